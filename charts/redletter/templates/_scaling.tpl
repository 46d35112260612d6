{{- define "redletter.disruptionBudget" -}}
{{- $own := index .root.Values .component -}}
{{- if $own.disruptionBudget.enabled }}
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata:
  name: {{ include "redletter.component" . }}
  {{- include "redletter.metadata" . | nindent 2 }}
spec:
  maxUnavailable: {{ $own.disruptionBudget.maxUnavailable }}
  # A pod that is not ready protects nobody: it must not hold up a drained node.
  unhealthyPodEvictionPolicy: AlwaysAllow
  selector:
    matchLabels:
      {{- include "redletter.selector" . | nindent 6 }}
{{- end }}
{{- end -}}

{{/*
`signals`: what waits or comes, each as (dict "name" ... "target" ... "shared" true), from an adapter. An amount is shared by the pods;
an age is not: twice the target asks for twice the pods.
*/}}
{{- define "redletter.autoscaler" -}}
{{- $own := index .root.Values .component -}}
{{- if $own.autoscaling.enabled }}
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata:
  name: {{ include "redletter.component" . }}
  {{- include "redletter.metadata" . | nindent 2 }}
spec:
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: {{ include "redletter.component" . }}}
  minReplicas: {{ $own.autoscaling.minReplicas }}
  maxReplicas: {{ $own.autoscaling.maxReplicas }}
  metrics:
    - type: Resource
      resource: {name: cpu, target: {type: Utilization, averageUtilization: {{ $own.autoscaling.targetCPU }}}}
    {{- range .signals }}
    {{- if .target }}
    - type: External
      external:
        metric: {name: {{ .name }}}
        target: {{ if .shared }}{type: AverageValue, averageValue: "{{ int .target }}"}{{ else }}{type: Value, value: "{{ int .target }}"}{{ end }}
    {{- end }}
    {{- end }}
  behavior:
    scaleUp: {stabilizationWindowSeconds: 0, policies: [{type: Percent, value: 100, periodSeconds: 15}]}
    # The peak of one zone is over in minutes, the next one begins within the hour.
    scaleDown: {stabilizationWindowSeconds: 1800, policies: [{type: Pods, value: 1, periodSeconds: 60}]}
{{- end }}
{{- end -}}
