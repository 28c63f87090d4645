# MLflow's tracking server, with its web pages, for what TTPs write down; run in the repository's root:
#
#   docker build -f docker/mlops.Dockerfile -t synergos_mlops .

# By its digest, python@sha256:…, it is the same one each time.
ARG PYTHON_IMAGE=python:3.11-slim-bookworm

FROM $PYTHON_IMAGE AS environment
# Public images of Python come without what its modules are compiled to, and containers do not keep it: each start would compile them.
RUN python -m venv /opt/venv \
 && { python -m compileall -q -x '/(test|tests|idlelib|lib2to3)/' "$(python -c 'import sysconfig; print(sysconfig.get_path("stdlib"))')" || true; }
ENV PATH=/opt/venv/bin:$PATH \
    PIP_DISABLE_PIP_VERSION_CHECK=1 \
    PIP_NO_CACHE_DIR=1 \
    PIP_ROOT_USER_ACTION=ignore \
    PYTHONUNBUFFERED=1


FROM environment AS mlops
COPY locks/mlops.txt /locks/
RUN pip install --no-deps --require-hashes -r /locks/mlops.txt && pip check
RUN mkdir -m 1777 /var/lib/synergos && mkdir -m 1777 /mlflow
ENV HOME=/var/lib/synergos USER=synergos \
    MLFLOW_DISABLE_TELEMETRY=true \
    MLFLOW_SERVER_ENABLE_JOB_EXECUTION=false \
    SYNERGOS_FOLDERS="/mlflow" \
    SYNERGOS_MLOPS_HOSTS="synergos_mlops" \
    SYNERGOS_HEALTH_PORT=5500
WORKDIR /var/lib/synergos
COPY docker/entrypoint.sh /usr/local/bin/synergos-entrypoint
COPY docker/health.py /usr/local/lib/synergos_health.py
COPY shared/synergos/mlops_server.py /usr/local/lib/synergos/mlops_server.py
EXPOSE 5500
HEALTHCHECK --interval=5s --timeout=5s --start-period=300s --retries=3 \
    CMD ["python", "-IS", "/usr/local/lib/synergos_health.py"]
ARG VERSION=unknown
ARG COMMIT=unknown
LABEL org.opencontainers.image.title="MLflow's server for Synergos" \
      org.opencontainers.image.version=$VERSION \
      org.opencontainers.image.revision=$COMMIT \
      org.opencontainers.image.licenses=Apache-2.0
# The store is the TTPs' too, for collaborations that name no server: one folder, mounted at the same place in both.
ENTRYPOINT ["synergos-entrypoint", "python", "-P", "/usr/local/lib/synergos/mlops_server.py", "--folder", "/mlflow"]
CMD ["--host", "0.0.0.0", "--port", "5500"]
