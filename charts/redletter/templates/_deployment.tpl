{{- define "redletter.deployment" -}}
{{- $own := index .root.Values .component -}}
{{- $defaults := .root.Values.defaults -}}
{{- $grace := include "redletter.grace" . | int -}}
{{- $reload := .root.Values.development.reload -}}
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
      annotations:
        # What is in /tmp is worth nothing: the cluster's autoscaler may empty the node.
        cluster-autoscaler.kubernetes.io/safe-to-evict-local-volumes: tmp
        {{- with $defaults.podAnnotations }}
        {{- toYaml . | nindent 8 }}
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
          # Only pods of one revision are spread: those that go must not count.
          matchLabelKeys: [pod-template-hash]
          labelSelector:
            matchLabels:
              {{- include "redletter.selector" $ | nindent 14 }}
        {{- end }}
      {{- include "redletter.placement" . | nindent 6 }}
      {{- if .root.Values.trial.enabled }}
      initContainers:
        {{- if $reload }}
        # Changed files are copied into a running container: a volume takes them, the root file system stays read-only.
        - name: source
          image: {{ include "redletter.image" .root }}
          imagePullPolicy: {{ .root.Values.image.pullPolicy }}
          command: [python, -c, "import shutil, sysconfig; shutil.copytree(sysconfig.get_path('purelib'), '/source', dirs_exist_ok=True)"]
          resources: {{ toYaml .root.Values.migrations.resources | nindent 12 }}
          securityContext:
            {{- include "redletter.containerSecurity" . | nindent 12 }}
          volumeMounts:
            - {name: tmp, mountPath: /tmp}
            - {name: source, mountPath: /source}
        {{- end }}
        # The trial's PostgreSQL comes with the release: no hook could reach it before.
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
          args: [{{ if $reload }}reload, {{ end }}{{ .component }}]
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
          {{- if $defaults.drainSeconds }}
          # Without a shell: the kubelet itself waits until no Service sends calls here any more.
          lifecycle: {preStop: {sleep: {seconds: {{ $defaults.drainSeconds }}}}}
          {{- end }}
          resources: {{ toYaml $own.resources | nindent 12 }}
          securityContext:
            {{- include "redletter.containerSecurity" . | nindent 12 }}
          volumeMounts:
            - {name: tmp, mountPath: /tmp}
            {{- if $reload }}
            - {name: source, mountPath: /opt/redletter/lib/python3.11/site-packages}
            {{- end }}
            {{- if and (eq .component "delivery") $own.caSecret }}
            - {name: ca, mountPath: /etc/redletter/ca, readOnly: true}
            {{- end }}
      volumes:
        - {name: tmp, emptyDir: {sizeLimit: 64Mi}}
        {{- if $reload }}
        - {name: source, emptyDir: {sizeLimit: 400Mi}}
        {{- end }}
        {{- if and (eq .component "delivery") $own.caSecret }}
        - {name: ca, secret: {secretName: {{ $own.caSecret }}}}
        {{- end }}
{{- end -}}
