{{- define "redletter.service" -}}
apiVersion: v1
kind: Service
metadata:
  name: {{ include "redletter.component" . }}
  {{- include "redletter.metadata" . | nindent 2 }}
spec:
  type: ClusterIP
  selector:
    {{- include "redletter.selector" . | nindent 4 }}
  ports:
    - {name: grpc-public, port: 7001, targetPort: public, appProtocol: kubernetes.io/h2c}
    - {name: metrics, port: 9464, targetPort: metrics, appProtocol: http}
{{- end -}}

{{/* Every replica's own address: whoever calls spreads its calls by itself. */}}
{{- define "redletter.serviceHeadless" -}}
apiVersion: v1
kind: Service
metadata:
  name: {{ include "redletter.component" . }}-headless
  {{- include "redletter.metadata" . | nindent 2 }}
spec:
  type: ClusterIP
  clusterIP: None
  selector:
    {{- include "redletter.selector" . | nindent 4 }}
  ports:
    - {name: grpc-public, port: 7001, targetPort: public, appProtocol: kubernetes.io/h2c}
    - {name: grpc-internal, port: 7002, targetPort: internal, appProtocol: kubernetes.io/h2c}
{{- end -}}

{{- define "redletter.serviceAccount" -}}
apiVersion: v1
kind: ServiceAccount
metadata:
  name: {{ include "redletter.component" . }}
  {{- include "redletter.metadata" . | nindent 2 }}
automountServiceAccountToken: false
{{- end -}}
