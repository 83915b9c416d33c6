package io.fulmar.verify.readme;

import io.fulmar.spi.Destination;
import io.fulmar.testkit.contract.DestinationContract;
import java.net.http.HttpClient;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;

/** README.md's destination of contacts, held to the contract as README.md shows it. */
// begin README
class ContactsTest extends DestinationContract {
  private final ContactServer server = new ContactServer(); // keeps records in memory

  @Override
  protected Destination destination() {
    return HttpExample.contacts(server.uri(), HttpClient.newHttpClient(), ContactServer::line);
  }

  @Override
  protected Map<Long, Map<String, @Nullable String>> records() {
    return server.records();
  }

  @Override
  protected String refusedText() {
    return "no address " + CANARY; // for which the server refuses a contact
  }

  @Override
  protected AutoCloseable outOfReach() {
    return server.busy(); // answers 503 until it is closed
  }

  @Override
  protected AutoCloseable silent() { // one of the hooks that need not be there
    return server.silent();
  }

  @AfterEach
  void stop() {
    server.close();
  }
}
// end README
