package io.fulmar.verify.readme;

import static io.fulmar.testkit.assertj.FulmarAssertions.assertThat;

import io.fulmar.Model;
import io.fulmar.Removal;
import io.fulmar.RunStatus;
import io.fulmar.Sync;
import io.fulmar.SyncEngine;
import io.fulmar.spi.Destination;
import io.fulmar.testkit.InMemoryEngine;
import io.fulmar.testkit.InMemorySource;
import io.fulmar.testkit.RecordingDestination;
import java.util.Map;
import org.assertj.core.api.Assertions;
import org.junit.jupiter.api.Test;

/** A unit test of an application, as the README shows it. */
class UnitTestExampleTest {
  /** What an application has in a class of its own. */
  private static final class CrmSync {
    static Sync to(Destination crm) {
      return Sync.builder("crm")
          .model(Model.query("customers", "select id, email, plan from app.customer").key("id"))
          .to(crm)
          .onRemoved(Removal.DELETE)
          .build();
    }
  }

  // begin README
  @Test
  void customerWithoutAPlanComesBackWithOne() {
    InMemorySource shop = InMemorySource.create();
    InMemorySource.Rows customers =
        shop.model("customers") // what the model of this name returns
            .column("id", "bigint")
            .column("email", "text")
            .column("plan", "text")
            .row(1L, "ada@example.com", "pro")
            .row(2L, "bob@example.com", null);
    RecordingDestination crm = RecordingDestination.of("crm");
    crm.whenKey(2L).reject("NO_PLAN").times(1);
    Sync sync = CrmSync.to(crm); // the application's own model, mapping and settings

    try (SyncEngine engine = InMemoryEngine.on(shop)) {
      assertThat(engine.run(sync)).hasStatus(RunStatus.WARNING).added(1).hasFailed("NO_PLAN", 1);
      customers.remove(1L).put(2L, "bob@example.com", "free");
      assertThat(engine.run(sync)).succeeded().added(1).removed(1).hasNoHolds();
    }
    assertThat(crm).holdsKeys(2).holdsRow(Map.of("plan", "free")).playedScript().keptPromises();
  }

  // end README

  @Test
  void readmeShowsThisTest() {
    Assertions.assertThat(Readme.blocks("java").stream().map(Readme::tokens))
        .contains(Readme.tokens(Readme.markedTest("io.fulmar.verify.readme.UnitTestExampleTest")));
  }

  @Test
  void exampleWithADatabaseIsTheOneThatRuns() {
    Assertions.assertThat(Readme.blocks("java").stream().map(Readme::tokens))
        .contains(
            Readme.tokens(
                Readme.markedTest("io.fulmar.verify.readme.PostgresTestExampleTest")
                    .replace("PostgresTestExampleTest", "CustomersTest")));
  }
}
