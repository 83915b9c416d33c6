package io.fulmar.verify.readme;

import io.fulmar.Change;
import io.fulmar.ConsoleProgress;
import io.fulmar.Model;
import io.fulmar.Removal;
import io.fulmar.Source;
import io.fulmar.StandardEngine;
import io.fulmar.Sync;
import io.fulmar.SyncEngine;
import io.fulmar.spi.Delivery;
import io.fulmar.spi.Destination;
import io.fulmar.testkit.TestDatabase;
import io.fulmar.testkit.TestPostgres;
import java.nio.file.Path;
import java.sql.SQLException;
import javax.sql.DataSource;

/**
 * The example of README.md's first screen. A test holds the README to the lines between the
 * markers, and to what {@link #threeRuns} prints.
 */
public final class ReadmeExample {
  private ReadmeExample() {}

  /**
   * Prints what the README shows.
   *
   * @param args the directory for the state; must be empty
   * @throws Exception whatever goes wrong
   */
  public static void main(String[] args) throws Exception {
    try (TestPostgres postgres = TestPostgres.start()) {
      threeRuns(postgres, Path.of(args[0]));
    }
  }

  /** What an application would write. */
  static void run(DataSource dataSource, Path stateDirectory) {
    // begin README
    Model customers = Model.query("customers", "select id, email, plan from customer").key("id");
    Destination crm =
        Destination.of(
            "crm:contacts",
            batch -> {
              for (Change change : batch.changes()) { // the client of your API goes here
                System.out.println(batch.action() + " " + change.row().asMap());
              }
              return Delivery.allAccepted();
            });
    Sync sync =
        Sync.builder("crm")
            .model(customers)
            .to(crm)
            .onRemoved(Removal.DELETE)
            .listener(ConsoleProgress.to(System.out))
            .build();
    try (SyncEngine engine = StandardEngine.on(Source.of(dataSource), stateDirectory)) {
      engine.run(sync).throwIfFailed();
    }
    // end README
  }

  /**
   * Three runs: the first, one without changes, one after an update and a delete.
   *
   * @param postgres where to make the table
   * @param stateDirectory an empty directory
   * @throws SQLException if the server refuses
   */
  static void threeRuns(TestPostgres postgres, Path stateDirectory) throws SQLException {
    TestDatabase shop = postgres.createDatabase();
    shop.execute(
        "create table customer (id bigint primary key, email text, plan text)",
        """
        insert into customer values
          (1, 'ada@example.org', 'free'), (2, 'bob@example.org', 'free'), (3, 'cyd@example.org', 'pro')
        """);
    run(shop.dataSource(), stateDirectory);
    run(shop.dataSource(), stateDirectory);
    shop.execute(
        "update customer set plan = 'pro' where id = 2", "delete from customer where id = 3");
    run(shop.dataSource(), stateDirectory);
  }
}
