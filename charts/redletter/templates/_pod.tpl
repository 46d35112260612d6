{{/* What no container of ours may do, and where it may write. */}}
{{- define "redletter.podSecurity" -}}
runAsNonRoot: true
runAsUser: 65532
runAsGroup: 65532
fsGroup: 65532
seccompProfile: {type: RuntimeDefault}
{{- end -}}

{{- define "redletter.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: {drop: [ALL]}
{{- end -}}

{{- define "redletter.placement" -}}
{{- $defaults := .root.Values.defaults -}}
{{- with $defaults.nodeSelector }}
nodeSelector: {{ toYaml . | nindent 2 }}
{{- end }}
{{- with $defaults.tolerations }}
tolerations: {{ toYaml . | nindent 2 }}
{{- end }}
{{- with $defaults.affinity }}
affinity: {{ toYaml . | nindent 2 }}
{{- end }}
{{- with $defaults.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- with .root.Values.image.pullSecrets }}
imagePullSecrets:
  {{- range . }}
  - {name: {{ . }}}
  {{- end }}
{{- end }}
{{- end -}}
