package io.fulmar.verify.readme;

import static org.assertj.core.api.Assertions.assertThat;

import io.fulmar.Model;
import io.fulmar.Source;
import io.fulmar.Sync;
import io.fulmar.lightning.LightningEngine;
import io.fulmar.lightning.LightningSetup;
import io.fulmar.spi.Delivery;
import io.fulmar.spi.Destination;
import io.fulmar.testkit.TestDatabase;
import io.fulmar.testkit.TestPostgres;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.List;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

/**
 * What the README says of Lightning: its set-up SQL and that of the role are all that a run needs,
 * and the views that it names are there, with the columns that it names.
 */
class LightningExampleTest {
  private static final Pattern VIEW =
      Pattern.compile("(?m)^\\| `((?:fulmar|state|holds)_[^`]+)` \\| [^|]* \\| ([^|]+) \\|$");

  private static String sql(String start) {
    return Readme.blocks("sql").stream()
        .filter(block -> block.startsWith(start))
        .findFirst()
        .orElseThrow();
  }

  private static String columns(Connection connection, String view) throws SQLException {
    try (Statement statement = connection.createStatement();
        ResultSet columns =
            statement.executeQuery(
                """
                select string_agg(attname, ', ' order by attnum) from pg_attribute
                where attrelid = 'fulmar_planner."%s"'::regclass and attnum > 0
                """
                    .formatted(view))) {
      columns.next();
      return columns.getString(1);
    }
  }

  @Test
  void theSetUpOfTheReadmeIsEnough() throws Exception {
    assertThat(Readme.blocks("java").stream().map(Readme::tokens))
        .contains(Readme.tokens(Readme.marked("io.fulmar.verify.readme.LightningExample")));
    String setup = sql("-- Two schemas");
    assertThat(setup).isEqualTo(LightningEngine.setupSql("fulmar"));
    assertThat(setup).isEqualTo(LightningSetup.of("fulmar").setupSql());
    try (TestPostgres postgres = TestPostgres.start()) {
      TestDatabase database = postgres.createDatabase();
      database.execute(
          "create table customer (id bigint primary key, email text)",
          "create table orders (id bigint primary key)",
          "insert into customer values (1, 'a'), (2, 'b')",
          "revoke all on schema public from public",
          "revoke all on database \"%s\" from public".formatted(database.name()),
          sql("-- May read").replace("\"shop\"", "\"" + database.name() + "\""),
          setup);
      Source source =
          Source.builder()
              .host(database.host())
              .port(database.port())
              .database(database.name())
              .user("fulmar")
              .withoutTls()
              .build();
      Sync sync =
          Sync.builder("crm")
              .model(Model.query("customers", "select id, email from customer").key("id"))
              .remember("email")
              .to(Destination.of("test", batch -> Delivery.allAccepted()))
              .build();
      LightningExample.run(source, sync);
      List<MatchResult> views = VIEW.matcher(Readme.text()).results().toList();
      assertThat(views).hasSize(4);
      try (Connection connection = database.connect()) {
        for (MatchResult view : views) {
          String name = view.group(1).replace("...", "crm");
          String columns =
              view.group(2)
                  .replace("the key", "`id`")
                  .replace("what is remembered", "`email`")
                  .replace("`", "");
          assertThat(columns(connection, name)).as(name).isEqualTo(columns);
        }
        try (Statement statement = connection.createStatement();
            ResultSet row =
                statement.executeQuery(
                    "select synced_keys, last_status from fulmar_planner.fulmar_status")) {
          row.next();
          assertThat(row.getLong(1)).isEqualTo(2);
          assertThat(row.getString(2)).isEqualTo("SUCCEEDED");
        }
      }
    }
  }
}
