package io.fulmar.internal.http;

import java.net.http.HttpClient;
import java.time.Duration;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * A client that is made when it is first asked for, since it has threads from then on; they end
 * when nobody refers to it any more. Threadsafe.
 */
public final class OwnClient implements Supplier<HttpClient> {
  private final Duration connectTimeout;
  private final HttpClient.Version version;
  private @Nullable HttpClient client;

  /** A client that speaks this version, or an older one. */
  public OwnClient(Duration connectTimeout, HttpClient.Version version) {
    this.connectTimeout = connectTimeout;
    this.version = version;
  }

  @Override
  public synchronized HttpClient get() {
    HttpClient current = client;
    if (current == null) {
      current =
          HttpClient.newBuilder()
              .connectTimeout(connectTimeout)
              .followRedirects(HttpClient.Redirect.NEVER)
              .proxy(HttpClient.Builder.NO_PROXY)
              .version(version)
              .build();
      client = current;
    }
    return current;
  }
}
