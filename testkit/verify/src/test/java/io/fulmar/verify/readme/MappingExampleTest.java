package io.fulmar.verify.readme;

import static org.assertj.core.api.Assertions.assertThat;

import io.fulmar.Model;
import io.fulmar.Source;
import io.fulmar.StandardEngine;
import io.fulmar.Sync;
import io.fulmar.SyncEngine;
import io.fulmar.testkit.RecordingDestination;
import io.fulmar.testkit.TestDatabase;
import io.fulmar.testkit.TestPostgres;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** README.md's mapping is the code that runs here. */
class MappingExampleTest {
  @TempDir Path state;

  @Test
  void exampleIsTheCodeThatRuns() {
    assertThat(Readme.blocks("java").stream().map(Readme::tokens))
        .contains(Readme.tokens(Readme.marked("io.fulmar.verify.readme.MappingExample")));
  }

  @Test
  void destinationGetsWhatTheReadmeSays() throws Exception {
    RecordingDestination crm = RecordingDestination.of("crm:contacts");
    try (TestPostgres postgres = TestPostgres.start()) {
      TestDatabase shop = postgres.createDatabase();
      shop.execute(
          "create table customer (id bigint primary key, first text, last text, email text, plan text)",
          "insert into customer values (7, 'Ada', 'Lovelace', 'ada@example.org', 'free')");
      Model customers =
          Model.query("customers", "select id, first, last, email, plan from customer").key("id");
      Sync sync = MappingExample.sync(customers, crm);
      try (SyncEngine engine = StandardEngine.on(Source.of(shop.dataSource()), state)) {
        engine.run(sync).throwIfFailed();
        shop.execute("update customer set plan = 'pro'");
        assertThat(engine.run(sync).throwIfFailed().total().planned()).isZero();
        shop.execute("update customer set email = 'ada@example.com'");
        assertThat(engine.run(sync).throwIfFailed().changeSet().columnChanges())
            .containsOnly(Map.entry("email", 1L));
        shop.execute("delete from customer", "insert into customer values (8, '', '', null, '')");
        engine.run(sync).throwIfFailed();
      }
    }
    assertThat(crm.changes().get(0).row().columns())
        .isEqualTo(List.of("ExternalId", "email", "Source", "Name", "Run", "SyncedAt"));
    assertThat(crm.changes().get(0).row().value("Name")).isEqualTo("Ada Lovelace");
    assertThat(crm.changes().get(1).previous()).isNotNull();
    assertThat(crm.changes().get(1).previous().value("email")).isEqualTo("ada@example.org");
    assertThat(crm.changes().get(2).row().asMap())
        .isEqualTo(Map.of("ExternalId", 7L, "email", "ada@example.com"));
  }
}
