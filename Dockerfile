# Image of the EggyPro API server. Build it with `docker build -t eggypro .`.
FROM python:3.13-slim AS build
RUN pip install --no-cache-dir uv==0.13.9
COPY pyproject.toml requirements.lock README.md LICENSE /source/
COPY src /source/src
RUN python -m venv --without-pip /opt/eggypro \
  && uv pip install --no-cache --python /opt/eggypro \
    --constraints /source/requirements.lock --build-constraints /source/requirements.lock '/source[server]'

FROM python:3.13-slim
RUN useradd --system --uid 10001 --home-dir /var/lib/eggypro --create-home eggypro
COPY --from=build /opt/eggypro /opt/eggypro
ENV PATH=/opt/eggypro/bin:$PATH \
  APP_ENV=production \
  EGGYPRO_DATA_DIR=/var/lib/eggypro
USER 10001
WORKDIR /var/lib/eggypro
VOLUME /var/lib/eggypro
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=3s --start-period=10s --retries=3 \
  CMD ["python", "-c", "from urllib.request import urlopen; urlopen('http://127.0.0.1:8000/api/health/live', timeout=2)"]
STOPSIGNAL SIGTERM
CMD ["eggypro", "serve", "--host", "0.0.0.0", "--port", "8000", "--drain", "5"]
