package io.fulmar.verify.destination;

import io.fulmar.HttpDestination;
import io.fulmar.Secret;
import io.fulmar.spi.Destination;
import io.fulmar.testkit.contract.DestinationContract;
import java.io.IOException;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;

/** The contract over an API, whatever its requests look like. */
abstract class HttpContract extends DestinationContract {
  private static final String TOKEN = "token-51d0";

  private RecordServer server;

  /** The requests of the API. */
  abstract HttpDestination.Builder requests(HttpDestination.Builder destination);

  @BeforeEach
  void start() throws IOException {
    server = new RecordServer();
  }

  @AfterEach
  void stop() {
    server.close();
  }

  @Override
  protected final Destination destination() {
    return requests(server.destination())
        .bearerToken(Secret.of(TOKEN))
        .clear("DELETE", "records")
        .build();
  }

  @Override
  protected final Map<Long, Map<String, @Nullable String>> records() {
    return Map.copyOf(server.records());
  }

  @Override
  protected final String form(Object value) {
    return JsonRecords.form(value);
  }

  @Override
  protected final String refusedText() {
    return "refused " + CANARY;
  }

  @Override
  protected final List<String> secrets() {
    return List.of(TOKEN);
  }

  @Override
  protected final AutoCloseable outOfReach() {
    return server.busy();
  }

  @Override
  protected final AutoCloseable silent() {
    return server.silent();
  }
}
