# MLflow's tracking server, with its web pages, for what TTPs write down; run in the repository's root:
#
#   docker build -f docker/mlops.Dockerfile -t synergos_mlops .

# By its digest, python@sha256:…, it is the same one each time.
ARG PYTHON_IMAGE=python:3.11-slim-bookworm

FROM $PYTHON_IMAGE AS environment
RUN python -m venv /opt/venv
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
    SYNERGOS_MLOPS_HOSTS="synergos_mlops"
WORKDIR /var/lib/synergos
COPY docker/entrypoint.sh /usr/local/bin/synergos-entrypoint
COPY shared/synergos/mlops_server.py /usr/local/lib/synergos/mlops_server.py
EXPOSE 5500
HEALTHCHECK --interval=5s --timeout=5s --start-period=300s --retries=3 \
    CMD ["python", "-ISc", "from http.client import HTTPConnection; c = HTTPConnection('127.0.0.1', 5500, timeout=4); c.request('GET', '/health'); raise SystemExit(c.getresponse().status != 200)"]
ARG VERSION=unknown
ARG COMMIT=unknown
LABEL org.opencontainers.image.title="MLflow's server for Synergos" \
      org.opencontainers.image.version=$VERSION \
      org.opencontainers.image.revision=$COMMIT \
      org.opencontainers.image.licenses=Apache-2.0
# The store is the TTPs' too, for collaborations that name no server: one folder, mounted at the same place in both.
ENTRYPOINT ["synergos-entrypoint", "python", "-P", "/usr/local/lib/synergos/mlops_server.py", "--folder", "/mlflow"]
CMD ["--host", "0.0.0.0", "--port", "5500"]
