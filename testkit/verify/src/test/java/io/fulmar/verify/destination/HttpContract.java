package io.fulmar.verify.destination;

import io.fulmar.HttpDestination;
import io.fulmar.spi.Destination;
import java.io.IOException;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;

/** The contract over an API, whatever its requests look like. */
abstract class HttpContract extends DestinationContract {
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
  final Destination destination() {
    return requests(server.destination()).clear("DELETE", "records").build();
  }

  @Override
  final Map<Long, Map<String, @Nullable String>> records() {
    return Map.copyOf(server.records());
  }

  @Override
  final String form(Object value) {
    return JsonRecords.form(value);
  }

  @Override
  final String refusedText() {
    return "refused " + CANARY;
  }

  @Override
  final AutoCloseable outOfReach() {
    return server.busy();
  }
}
