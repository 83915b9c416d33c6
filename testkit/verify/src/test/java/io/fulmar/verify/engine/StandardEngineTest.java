package io.fulmar.verify.engine;

import static org.assertj.core.api.Assertions.assertThat;

import io.fulmar.Change;
import io.fulmar.Model;
import io.fulmar.Operation;
import io.fulmar.Removal;
import io.fulmar.RunStatus;
import io.fulmar.Source;
import io.fulmar.StandardEngine;
import io.fulmar.Sync;
import io.fulmar.SyncEngine;
import io.fulmar.SyncReport;
import io.fulmar.spi.Delivery;
import io.fulmar.spi.Destination;
import io.fulmar.testkit.TestDatabase;
import io.fulmar.testkit.TestServer;
import io.fulmar.verify.fixture.SharedServer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * One table from first run to removal: what the rest takes for granted, on every version of the
 * libraries.
 */
@Tag("floors")
class StandardEngineTest {
  private static TestServer postgres;

  @TempDir Path state;

  @BeforeAll
  static void start() throws Exception {
    postgres = SharedServer.get();
  }

  @AfterAll
  static void stop() throws Exception {
    SharedServer.clean();
  }

  @Test
  void deliversExactlyWhatChanged() throws Exception {
    TestDatabase database = postgres.createDatabase();
    database.execute(
        "create table customer (id bigint primary key, email text, plan varchar(20))",
        "insert into customer select i, 'mail' || i, 'free' from generate_series(1, 1000) i");
    List<Change> got = new ArrayList<>();
    Source source = database.source().build();
    Sync sync =
        Sync.builder("crm")
            .model(Model.query("customers", "select id, email, plan from customer;").key("id"))
            .to(
                Destination.of(
                    "test",
                    batch -> {
                      got.addAll(batch.changes());
                      return Delivery.allAccepted();
                    }))
            .onRemoved(Removal.DELETE)
            .build();
    try (SyncEngine engine = StandardEngine.on(source, state)) {
      SyncReport first = engine.run(sync).throwIfFailed();
      assertThat(first.counts(Operation.ADDED).accepted()).isEqualTo(1000);
      assertThat(got).hasSize(1000);
      got.clear();
      assertThat(engine.run(sync).throwIfFailed().total().planned()).isZero();
      database.execute(
          "update customer set plan = 'pro' where id in (1, 2)",
          "delete from customer where id = 3",
          "insert into customer values (2000, null, 'x')");
      SyncReport third = engine.run(sync).throwIfFailed();
      assertThat(third.status()).isEqualTo(RunStatus.SUCCEEDED);
      assertThat(got)
          .extracting(change -> change.operation() + " " + change.key().value("id"))
          .containsExactlyInAnyOrder("CHANGED 1", "CHANGED 2", "REMOVED 3", "ADDED 2000");
      assertThat(engine.run(sync).throwIfFailed().total().planned()).isZero();
    }
  }
}
