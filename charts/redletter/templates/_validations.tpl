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
{{- range $component := list "user" "scheduler" "delivery" -}}
{{- $own := index $values $component -}}
{{- if and $own.autoscaling.enabled (gt (int $own.autoscaling.minReplicas) (int $own.autoscaling.maxReplicas)) -}}
{{- $wrong = append $wrong (printf "%s.autoscaling.minReplicas (%d) is above maxReplicas (%d)" $component (int $own.autoscaling.minReplicas) (int $own.autoscaling.maxReplicas)) -}}
{{- end -}}
{{- range $name := keys (merge (dict) $own.extraEnv $values.defaults.extraEnv) -}}
{{- if or (contains "SECRET" $name) (contains "PASSWORD" $name) (eq $name "REDLETTER_DATABASE_URL") -}}
{{- $wrong = append $wrong (printf "%s.extraEnv.%s would show a secret in the pod's description: use the reference that the values have for it" $component $name) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- if $wrong -}}
{{- fail (printf "\n\nredletter cannot be installed like this:\n  - %s\n" (join "\n  - " $wrong)) -}}
{{- end -}}
{{- end -}}
