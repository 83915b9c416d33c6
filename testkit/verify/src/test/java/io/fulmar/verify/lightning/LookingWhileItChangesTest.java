package io.fulmar.verify.lightning;

import static org.assertj.core.api.Assertions.assertThat;

import io.fulmar.Explanation;
import io.fulmar.lightning.LightningEngine;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

/** Somebody looks at the state of a sync while its tables are replaced. */
class LookingWhileItChangesTest extends LightningFixture {
  @Test
  @DisplayName("A look at a key goes by the tables that there are, not by those that there were")
  void explainGoesByTheTablesThatThereAre() throws Exception {
    try (LightningEngine engine = engineBuilder().build();
        Connection other = database.connect();
        Statement statement = other.createStatement()) {
      engine.run(sync()).throwIfFailed();
      other.setAutoCommit(false);
      statement.execute("lock table item in access exclusive mode");
      FutureTask<Explanation> looking = new FutureTask<>(() -> engine.explain(sync(), 1));
      Thread thread = new Thread(looking, "looking");
      thread.start();
      // It knows the tables of the state, and waits for the model.
      awaitWaiting();
      engine.forget(sync());
      other.rollback();

      assertThat(looking.get(30, TimeUnit.SECONDS).toString()).contains("ADDED");
      thread.join();
    }
  }

  private void awaitWaiting() throws SQLException {
    awaitQuery(
        "select (count(*) > 0)::text from pg_locks l where not l.granted"
            + " and l.relation = 'item'::regclass",
        "true");
  }
}
