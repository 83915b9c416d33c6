package io.fulmar.verify.destination;

import io.fulmar.Action;
import io.fulmar.JsonVerdicts;
import io.fulmar.spi.Destination;
import java.io.IOException;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;

/** The contract over an API that takes arrays and answers them item by item. */
class HttpBatchContractTest extends DestinationContract {
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
        .batchesOf(1_000)
        .request(Action.UPSERT, "POST", "put")
        .request(Action.DELETE, "POST", "delete")
        .request(Action.CLEAR, "POST", "clear")
        .clear("DELETE", "records")
        .verdicts(
            JsonVerdicts.builder("/results").accepted("/status", "ok").code("/error/code").build())
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
