package io.fulmar.verify.destination;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.tuple;

import com.fasterxml.jackson.databind.JsonNode;
import io.fulmar.Action;
import io.fulmar.JsonLinesDestination;
import io.fulmar.Model;
import io.fulmar.Removal;
import io.fulmar.RunStatus;
import io.fulmar.Source;
import io.fulmar.StandardEngine;
import io.fulmar.Sync;
import io.fulmar.SyncEngine;
import io.fulmar.SyncReport;
import io.fulmar.SyncReport.FailureGroup;
import io.fulmar.spi.Destination;
import io.fulmar.testkit.TestDatabase;
import io.fulmar.testkit.TestServer;
import io.fulmar.verify.fixture.SharedServer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.SQLException;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Whole runs, from a real table into a file and into an API. */
class DestinationRunsTest {
  private static TestServer postgres;

  @TempDir Path directory;

  @BeforeAll
  static void startServer() {
    postgres = SharedServer.get();
  }

  @AfterAll
  static void stopServer() throws SQLException {
    SharedServer.clean();
  }

  private SyncReport run(TestDatabase database, String query, Destination destination) {
    Sync sync =
        Sync.builder("crm")
            .model(Model.query("rows", query).key("id"))
            .to(destination)
            .onRemoved(Removal.DELETE)
            .build();
    try (SyncEngine engine =
        StandardEngine.on(Source.of(database.dataSource()), directory.resolve("state"))) {
      return engine.run(sync);
    }
  }

  @Test
  @DisplayName("J-11: every kind of value of a server comes back out of the file")
  void everyKindOfValueComesBack() throws Exception {
    TestDatabase database = postgres.createDatabase();
    database.execute("create type pair as (a int, b text)");
    Path file = directory.resolve("rows.jsonl");
    String query =
        """
        select 9007199254740993 as id, 1.10::numeric as n, 'NaN'::numeric as nan,
          '{"a": [1.0, null]}'::jsonb as j, array[[1, null], [3, 4]] as grid,
          '[0:1]={1,2}'::int[] as bounds, array['a"b', null, ''] as words,
          row(1, 'x')::pair as pair, '[1,5)'::int4range as r, '1 mon 2 days 03:04:05'::interval as i,
          '\\x00ff'::bytea as y, 'infinity'::date as d, '2026-01-02 03:04:05.6+00'::timestamptz as z,
          b'101' as bits, '10.0.0.1/8'::inet as net, null::int as nothing
        """;
    assertThat(run(database, query, JsonLinesDestination.builder(file).jsonColumns("j").build()))
        .extracting(SyncReport::status)
        .isEqualTo(RunStatus.SUCCEEDED);
    List<String> lines = Files.readAllLines(file);
    assertThat(lines).hasSize(1);
    JsonNode row = JsonRecords.reader().readTree(lines.get(0)).get("row");
    assertThat(row)
        .isEqualTo(
            JsonRecords.reader()
                .readTree(
                    """
                    {"id": 9007199254740993, "n": 1.10, "nan": "NaN", "j": {"a": [1.0, null]},
                     "grid": [[1, null], [3, 4]], "bounds": "[0:1]={1,2}",
                     "words": ["a\\"b", null, ""], "pair": {"a": 1, "b": "x"}, "r": "[1,5)",
                     "i": "1 mon 2 days 03:04:05", "y": "\\\\x00ff", "d": "infinity",
                     "z": "2026-01-02T03:04:05.6Z", "bits": "101", "net": "10.0.0.1/8",
                     "nothing": null}
                    """));
  }

  @Test
  @DisplayName("P3: what an API refuses comes back in the next run, in its newest version")
  void refusedRowComesBack() throws Exception {
    TestDatabase database = postgres.createDatabase();
    database.execute(
        "create table customer (id bigint primary key, t text)",
        "insert into customer values (1, 'a'), (2, 'refused'), (3, 'c')");
    try (RecordServer server = new RecordServer()) {
      Destination api =
          server
              .destination()
              .request(Action.UPSERT, "PUT", "records/{id}")
              .request(Action.DELETE, "DELETE", "records/{id}")
              .build();
      SyncReport first = run(database, "select * from customer", api);
      assertThat(first.status()).isEqualTo(RunStatus.WARNING);
      assertThat(first.failures())
          .extracting(FailureGroup::code, FailureGroup::count)
          .containsExactly(tuple("HTTP_422", 1L));
      database.execute(
          "update customer set t = 'b' where id = 2", "delete from customer where id = 3");
      SyncReport second = run(database, "select * from customer", api);
      assertThat(second.status()).isEqualTo(RunStatus.SUCCEEDED);
      assertThat(server.records()).isEqualTo(Map.of(1L, Map.of("t", "a"), 2L, Map.of("t", "b")));
      assertThat(server.requests()).hasSize(5);
    }
  }
}
