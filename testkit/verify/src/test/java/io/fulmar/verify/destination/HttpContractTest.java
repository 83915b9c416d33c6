package io.fulmar.verify.destination;

import io.fulmar.Action;
import io.fulmar.spi.Destination;
import java.io.IOException;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;

/** The contract over an API that takes one record in each request. */
class HttpContractTest extends DestinationContract {
  private RecordServer server;

  @BeforeEach
  void start() throws IOException {
    server = new RecordServer();
  }

  @AfterEach
  void stop() {
    server.close();
  }

  @Override
  Destination destination() {
    return server
        .destination()
        .request(Action.UPSERT, "PUT", "records/{id}")
        .request(Action.DELETE, "DELETE", "records/{id}")
        .request(Action.CLEAR, "POST", "records/{id}/clear")
        .clear("DELETE", "records")
        .build();
  }

  @Override
  Map<Long, Map<String, @Nullable String>> records() {
    return Map.copyOf(server.records());
  }

  @Override
  String form(Object value) {
    return JsonRecords.form(value);
  }

  @Override
  String refusedText() {
    return "refused " + CANARY;
  }

  @Override
  AutoCloseable outOfReach() {
    return server.busy();
  }
}
