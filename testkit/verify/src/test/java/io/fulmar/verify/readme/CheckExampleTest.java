package io.fulmar.verify.readme;

import static org.assertj.core.api.Assertions.assertThat;

import io.fulmar.CheckReport;
import io.fulmar.Model;
import io.fulmar.PostgresDestination;
import io.fulmar.Source;
import io.fulmar.StandardEngine;
import io.fulmar.Sync;
import io.fulmar.SyncEngine;
import io.fulmar.testkit.TestDatabase;
import io.fulmar.testkit.TestPostgres;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * What the README shows of a check is what a check prints, apart from addresses, versions, times
 * and room: a role that lacks one grant, and a table that lacks one column.
 */
class CheckExampleTest {
  @Test
  void theReadmeShowsWhatACheckPrints(@TempDir Path state) throws Exception {
    try (TestPostgres postgres = TestPostgres.start()) {
      TestDatabase database = postgres.createDatabase();
      database.execute(
          "create table customer (id bigint primary key, email text)",
          "create table orders (id bigint primary key, customer bigint)",
          "create schema crm",
          "create table crm.contact (id bigint primary key, email text)",
          Source.roleSql("fulmar", database.name(), "public.customer"));
      Source.Builder source =
          Source.builder()
              .host(database.host())
              .port(database.port())
              .database(database.name())
              .withoutTls();
      Sync sync =
          Sync.builder("crm")
              .model(
                  Model.query(
                          "customers",
                          """
                          select c.id, c.email, count(o.id) as orders
                          from customer c left join orders o on o.customer = c.id group by c.id
                          """)
                      .key("id"))
              .to(
                  PostgresDestination.builder(source.user(database.user()).build())
                      .table("crm", "contact")
                      .build())
              .build();
      try (SyncEngine engine = StandardEngine.on(source.user("fulmar").build(), state)) {
        CheckReport report = engine.check(sync);
        assertThat(general(report.text())).isEqualTo(general(shown()));
      }
    }
  }

  private static String shown() {
    return Readme.blocks("text").stream()
        .filter(block -> block.startsWith("check of "))
        .findFirst()
        .orElseThrow()
        .strip();
  }

  /** Without what differs from place to place. */
  private static String general(String text) {
    return text.replaceAll("postgresql://\\S+", "postgresql://server/database")
        .replaceAll("\\d+\\.\\d\\d s", "0.00 s")
        .replaceAll("[\\d.]+:\\d+", "address")
        .replaceAll("PostgreSQL [\\d.]+", "PostgreSQL 17")
        .replaceAll("is [\\d.]+ s (behind|ahead of) ours", "is 0.0 s behind ours")
        .replaceAll("in the database \\S+", "in the database shop")
        .replaceAll("(?m)^(PASSED   state directory.*s  ).*$", "$1/var/lib/shop")
        .replaceAll("\\w+, [\\d.]+ GiB free", "ext4, 1.0 GiB free")
        .replaceAll("it is a directory for temporary files, which are removed", "storage")
        .replaceAll("it is the layer of a container, which goes with it", "storage")
        .replaceAll("it is in memory: a restart of the machine empties it", "storage")
        .replaceAll("Mount a volume there|Name a directory on a local disk.*", "storage");
  }
}
