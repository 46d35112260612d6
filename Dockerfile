# syntax=docker/dockerfile:1
# One image, its role by the first argument: user, scheduler, delivery, migrate, bootstrap, one-message.
#
#   docker build --build-arg PYTHON=<your registry>/python:3.11-slim-bookworm -t redletter:0.1.0 .
#
# Nothing is downloaded at run time; everything installed is named with its hash in requirements/service.lock.

ARG PYTHON=python:3.11-slim-bookworm

FROM ${PYTHON} AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PYTHONDONTWRITEBYTECODE=1
WORKDIR /build
RUN python -m venv /opt/redletter
COPY requirements/service.lock requirements/
RUN /opt/redletter/bin/python -m pip install --require-hashes --only-binary :all: -r requirements/service.lock
COPY pyproject.toml README.md LICENSE ./
COPY chassis chassis
COPY user_service user_service
COPY scheduler_service scheduler_service
COPY delivery_service delivery_service
COPY roles roles
COPY sdks/python sdks/python
# Our own packages as plain files, compiled once here: the root file system is read-only where it runs.
RUN site=$(/opt/redletter/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))') \
 && cp -R chassis user_service scheduler_service delivery_service roles sdks/python/redletter "$site/" \
 && /opt/redletter/bin/python -m pip uninstall --yes pip setuptools wheel \
 && /opt/redletter/bin/python -m compileall -q -j 0 -x _typing_312 "$site"

FROM ${PYTHON}
ARG VERSION=0.1.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="redletter" \
      org.opencontainers.image.description="The right message at the right local moment, exactly once." \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.licenses="Apache-2.0"
COPY --from=build /opt/redletter /opt/redletter
ENV PATH=/opt/redletter/bin:/usr/local/bin:/usr/bin:/bin PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
# A number: Kubernetes can then see that it is not root.
USER 65532:65532
WORKDIR /tmp
EXPOSE 7001 7002 9464
STOPSIGNAL SIGTERM
# The exec form: no shell between SIGTERM and the process.
ENTRYPOINT ["python", "-m", "roles"]
