package io.fulmar.verify.readme;

import static io.fulmar.testkit.assertj.FulmarAssertions.assertThat;

import io.fulmar.Model;
import io.fulmar.StandardEngine;
import io.fulmar.Sync;
import io.fulmar.SyncEngine;
import io.fulmar.testkit.RecordingDestination;
import io.fulmar.testkit.TestDatabase;
import io.fulmar.testkit.junit.PostgresTest;
import java.nio.file.Path;
import java.sql.SQLException;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A test of an application with a database, as the README shows it. */
// begin README
@PostgresTest
class PostgresTestExampleTest {
  @BeforeAll
  static void createTables(TestDatabase shop) throws SQLException {
    shop.execute("create table customer (id int8 primary key, email text)");
  }

  @Test
  void newCustomersArrive(TestDatabase shop, @TempDir Path state) throws SQLException {
    shop.execute("insert into customer values (1, 'ada@example.com')");
    RecordingDestination crm = RecordingDestination.of("crm");
    Model customers = Model.query("customers", "select id, email from customer").key("id");
    Sync sync = Sync.builder("crm").model(customers).to(crm).build();

    try (SyncEngine engine = StandardEngine.on(shop.source().build(), state)) {
      assertThat(engine.run(sync)).succeeded().added(1);
    }
  }
}
// end README
