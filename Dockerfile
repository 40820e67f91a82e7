# An image of filbert serve: docker build --tag filbert . && docker run --publish 8080:8080 filbert
# tools/try_dockerfile runs these steps where no container engine is at hand. docs/serve_operations.md says how to use it.
FROM debian:12-slim AS build
WORKDIR /source
COPY tools/setup tools/setup
RUN tools/setup
COPY . .
RUN cmake -S . -B /build -G Ninja -D CMAKE_BUILD_TYPE=Release -D CMAKE_INSTALL_PREFIX=/usr -D FILBERT_BUILD_TESTS=OFF \
 && cmake --build /build \
 && DESTDIR=/image cmake --install /build --strip

FROM debian:12-slim
# libcurl is for models by their name on the Hub; it is loaded when one is downloaded.
RUN apt-get update \
 && apt-get install --yes --no-install-recommends ca-certificates libcurl4 libfmt9 libhwy1 libnettle8 libonig5 libprometheus-cpp-core1.0 libsimdjson14 libssl3 libzstd1 zlib1g \
 && rm -rf /var/lib/apt/lists/* \
 && useradd --system --uid 10001 --create-home --home-dir /var/lib/filbert --shell /usr/sbin/nologin filbert
COPY --from=build /image/usr/bin/filbert /usr/bin/filbert
COPY --from=build /image/usr/share/filbert /usr/share/filbert
COPY --from=build /image/usr/share/doc/filbert /usr/share/doc/filbert
ENV HF_HOME=/var/lib/filbert/huggingface
USER 10001
EXPOSE 8080
# Of a server in the clear on its usual port; bash is part of the base image.
HEALTHCHECK --interval=10s --timeout=3s --start-period=5s \
  CMD ["bash", "-c", "exec 3<>/dev/tcp/127.0.0.1/8080 && printf 'GET /health HTTP/1.0\\r\\n\\r\\n' >&3 && read -r _ status _ <&3 && [ \"$status\" = 200 ]"]
ENTRYPOINT ["filbert"]
CMD ["serve", "--host", "0.0.0.0"]
