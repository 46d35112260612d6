{{- define "redletter.deployment" -}}
{{- $own := index .root.Values .component -}}
{{- $defaults := .root.Values.defaults -}}
{{- $grace := include "redletter.grace" . | int -}}
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ include "redletter.component" . }}
  {{- include "redletter.metadata" . | nindent 2 }}
spec:
  {{- if not $own.autoscaling.enabled }}
  replicas: {{ $own.replicas }}
  {{- end }}
  revisionHistoryLimit: 3
  # A new replica is ready before an old one goes: nothing waits for the other.
  strategy: {type: RollingUpdate, rollingUpdate: {maxSurge: 1, maxUnavailable: 0}}
  selector:
    matchLabels:
      {{- include "redletter.selector" . | nindent 6 }}
  template:
    metadata:
      labels:
        {{- include "redletter.labels" . | nindent 8 }}
        {{- with $defaults.podLabels }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
      {{- with $defaults.podAnnotations }}
      annotations: {{ toYaml . | nindent 8 }}
      {{- end }}
    spec:
      serviceAccountName: {{ include "redletter.component" . }}
      automountServiceAccountToken: false
      enableServiceLinks: false
      terminationGracePeriodSeconds: {{ add $grace $defaults.drainSeconds 10 }}
      securityContext:
        {{- include "redletter.podSecurity" . | nindent 8 }}
      topologySpreadConstraints:
        {{- range $key := list "topology.kubernetes.io/zone" "kubernetes.io/hostname" }}
        - maxSkew: 1
          topologyKey: {{ $key }}
          whenUnsatisfiable: ScheduleAnyway
          labelSelector:
            matchLabels:
              {{- include "redletter.selector" $ | nindent 14 }}
        {{- end }}
      {{- include "redletter.placement" . | nindent 6 }}
      {{- if .root.Values.trial.enabled }}
      # The trial's PostgreSQL comes with the release: no hook could reach it before.
      initContainers:
        - name: migrate
          image: {{ include "redletter.image" .root }}
          imagePullPolicy: {{ .root.Values.image.pullPolicy }}
          args: [migrate, {{ .component }}, expand]
          env:
            {{- include "redletter.environment" (merge (dict "listens" false) .) | nindent 12 }}
          resources: {{ toYaml .root.Values.migrations.resources | nindent 12 }}
          securityContext:
            {{- include "redletter.containerSecurity" . | nindent 12 }}
          volumeMounts:
            - {name: tmp, mountPath: /tmp}
      {{- end }}
      containers:
        - name: {{ .component }}
          image: {{ include "redletter.image" .root }}
          imagePullPolicy: {{ .root.Values.image.pullPolicy }}
          args: [{{ if .root.Values.development.reload }}reload, {{ end }}{{ .component }}]
          env:
            {{- include "redletter.environment" (merge (dict "listens" true) .) | nindent 12 }}
          ports:
            - {name: public, containerPort: 7001}
            - {name: internal, containerPort: 7002}
            - {name: metrics, containerPort: 9464}
          # `live` is served as long as the process answers; readiness follows its dependencies. A dependency
          # that is away must not make Kubernetes restart what would go on by itself.
          startupProbe: {grpc: {port: 7001, service: live}, periodSeconds: 1, failureThreshold: 60}
          livenessProbe: {grpc: {port: 7001, service: live}, periodSeconds: 10, timeoutSeconds: 5, failureThreshold: 6}
          readinessProbe: {grpc: {port: 7001}, periodSeconds: 2, timeoutSeconds: 2, failureThreshold: 2}
          # Without a shell: the kubelet itself waits until no Service sends calls here any more.
          lifecycle: {preStop: {sleep: {seconds: {{ $defaults.drainSeconds }}}}}
          resources: {{ toYaml $own.resources | nindent 12 }}
          securityContext:
            {{- include "redletter.containerSecurity" (merge (dict "writable" .root.Values.development.reload) .) | nindent 12 }}
          volumeMounts:
            - {name: tmp, mountPath: /tmp}
            {{- if and (eq .component "delivery") $own.caSecret }}
            - {name: ca, mountPath: /etc/redletter/ca, readOnly: true}
            {{- end }}
      volumes:
        - {name: tmp, emptyDir: {sizeLimit: 64Mi}}
        {{- if and (eq .component "delivery") $own.caSecret }}
        - {name: ca, secret: {secretName: {{ $own.caSecret }}}}
        {{- end }}
{{- end -}}
