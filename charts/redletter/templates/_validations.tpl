{{/* What would install and then not work, or not be safe: refused with a sentence. */}}
{{- define "redletter.validations" -}}
{{- $values := .Values -}}
{{- $wrong := list -}}
{{- if and (not $values.trial.enabled) (not $values.database.existingSecret) -}}
{{- $wrong = append $wrong "database.existingSecret is empty: name a Secret with the keys user-url, scheduler-url and delivery-url (or, for a look, set trial.enabled=true)" -}}
{{- end -}}
{{- if and $values.trial.enabled $values.database.existingSecret -}}
{{- $wrong = append $wrong "trial.enabled brings a PostgreSQL of its own, without backup; it is not for production and does not go with database.existingSecret: choose one" -}}
{{- end -}}
{{- if and $values.trial.enabled (or (gt (int $values.delivery.replicas) 1) $values.delivery.autoscaling.enabled $values.scheduler.autoscaling.enabled $values.user.autoscaling.enabled) -}}
{{- $wrong = append $wrong "trial.enabled is for a look: it does not go with several delivery replicas or autoscaling; for production name your own PostgreSQL by database.existingSecret" -}}
{{- end -}}
{{- if and $values.development.reload (not $values.trial.enabled) -}}
{{- $wrong = append $wrong "development.reload lets containers change their own files: it goes with trial.enabled only" -}}
{{- end -}}
{{- if and $values.redis.existingSecret $values.redis.url -}}
{{- $wrong = append $wrong "redis.existingSecret and redis.url are both set: choose one" -}}
{{- end -}}
{{- if contains "@" $values.redis.url -}}
{{- $wrong = append $wrong "redis.url carries a password: put it into a Secret with the key url and name that by redis.existingSecret" -}}
{{- end -}}
{{- if and (not $values.image.digest) (eq ($values.image.tag | default .Chart.AppVersion) "latest") -}}
{{- $wrong = append $wrong "image.tag is latest, which is another image tomorrow: name a version or a digest" -}}
{{- end -}}
{{- $delivery := $values.delivery -}}
{{- if and (eq $delivery.allowHttp "inside") (not $delivery.allowedNetworks) -}}
{{- $wrong = append $wrong "delivery.allowHttp is inside, which means plain http to delivery.allowedNetworks, but that is empty: name the networks, or choose never or always" -}}
{{- end -}}
{{- range $delivery.allowedPorts -}}
{{- $ends := splitList "-" (include "redletter.text" .) -}}
{{- if or (gt (first $ends | int) (last $ends | int)) (gt (last $ends | int) 65535) -}}
{{- $wrong = append $wrong (printf "delivery.allowedPorts has %q: a range goes from a port to one that is not smaller, at most 65535" (include "redletter.text" .)) -}}
{{- end -}}
{{- end -}}
{{- if $values.networkPolicies.enabled -}}
{{- range regexFindAll ":[0-9]+(/|,|$)" $values.redis.url -1 -}}
{{- $port := regexFind "[0-9]+" . -}}
{{- if not (has $port (splitList "," (join "," $values.networkPolicies.redisPorts))) -}}
{{- $wrong = append $wrong (printf "redis.url names port %s, which networkPolicies.redisPorts does not let out: add it there" $port) -}}
{{- end -}}
{{- end -}}
{{- with regexFind ":[0-9]+(/|$)" $values.tracing.endpoint -}}
{{- $port := regexFind "[0-9]+" . | int -}}
{{- if ne $port (int $values.networkPolicies.tracingPort) -}}
{{- $wrong = append $wrong (printf "tracing.endpoint names port %d, but networkPolicies.tracingPort lets out %d: make them the same" $port (int $values.networkPolicies.tracingPort)) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- /* Every setting that no value is for; tests/unit/chart compares it with the code. */ -}}
{{- $settable := list "REDLETTER_CLOCK_ANCHOR" "REDLETTER_CLOCK_FROM" "REDLETTER_CLOCK_SPEED" "REDLETTER_CONNECT_TIMEOUT_SECONDS" "REDLETTER_LANE_WINDOW" "REDLETTER_LEASE_SECONDS" "REDLETTER_MAX_HELD" "REDLETTER_RECORD_BATCH" "REDLETTER_RECORD_SECONDS" "REDLETTER_RETRY_FIRST_SECONDS" "REDLETTER_RETRY_LONGEST_SECONDS" -}}
{{- range $component := list "user" "scheduler" "delivery" -}}
{{- $own := index $values $component -}}
{{- if and $own.autoscaling.enabled (gt (int $own.autoscaling.minReplicas) (int $own.autoscaling.maxReplicas)) -}}
{{- $wrong = append $wrong (printf "%s.autoscaling.minReplicas (%d) is above maxReplicas (%d)" $component (int $own.autoscaling.minReplicas) (int $own.autoscaling.maxReplicas)) -}}
{{- end -}}
{{- range $name := keys (merge (dict) $own.extraEnv $values.defaults.extraEnv) -}}
{{- if or (contains "SECRET" $name) (contains "PASSWORD" $name) (eq $name "REDLETTER_DATABASE_URL") -}}
{{- $wrong = append $wrong (printf "%s.extraEnv.%s would show a secret in the pod's description: use the reference that the values have for it" $component $name) -}}
{{- else if and (hasPrefix "REDLETTER_" $name) (not (has $name $settable)) -}}
{{- $wrong = append $wrong (printf "%s.extraEnv.%s is no setting, or one that has a value of its own; for extraEnv there are %s" $component $name (join ", " $settable)) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- if $wrong -}}
{{- fail (printf "\n\nredletter cannot be installed like this:\n  - %s\n" (join "\n  - " $wrong)) -}}
{{- end -}}
{{- end -}}
