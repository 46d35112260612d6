{{/* One half of the migrations of one service, as a hook: (dict "root" $ "component" ... "half" "expand"). */}}
{{- define "redletter.migration" -}}
{{- $migrations := .root.Values.migrations -}}
{{- if $migrations.enabled }}
apiVersion: batch/v1
kind: Job
metadata:
  name: {{ include "redletter.component" . }}-{{ .half }}
  labels:
    {{- include "redletter.labels" (merge (dict "component" (printf "%s-migrations" .component)) .) | nindent 4 }}
  annotations:
    {{- with .root.Values.commonAnnotations }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
    helm.sh/hook: {{ .hook }}
    helm.sh/hook-weight: "0"
    helm.sh/hook-delete-policy: before-hook-creation,hook-succeeded
spec:
  backoffLimit: 6
  activeDeadlineSeconds: {{ $migrations.deadlineSeconds }}
  template:
    metadata:
      labels:
        {{- include "redletter.labels" (merge (dict "component" (printf "%s-migrations" .component)) .) | nindent 8 }}
    spec:
      restartPolicy: Never
      serviceAccountName: default
      automountServiceAccountToken: false
      enableServiceLinks: false
      securityContext:
        {{- include "redletter.podSecurity" . | nindent 8 }}
      {{- include "redletter.placement" . | nindent 6 }}
      containers:
        - name: migrate
          image: {{ include "redletter.image" .root }}
          imagePullPolicy: {{ .root.Values.image.pullPolicy }}
          args: [migrate, {{ .component }}, {{ .half }}]
          env:
            {{- include "redletter.environment" (merge (dict "listens" false) .) | nindent 12 }}
          resources: {{ toYaml $migrations.resources | nindent 12 }}
          securityContext:
            {{- include "redletter.containerSecurity" . | nindent 12 }}
          volumeMounts:
            - {name: tmp, mountPath: /tmp}
      volumes:
        - {name: tmp, emptyDir: {sizeLimit: 64Mi}}
{{- end }}
{{- end -}}
