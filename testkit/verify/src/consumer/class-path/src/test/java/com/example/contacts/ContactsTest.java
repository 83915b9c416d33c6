package com.example.contacts;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.fulmar.Source;
import io.fulmar.StandardEngine;
import io.fulmar.SyncEngine;
import io.fulmar.lightning.LightningEngine;
import io.fulmar.testkit.InMemoryEngine;
import io.fulmar.testkit.InMemorySource;
import io.fulmar.testkit.RecordingDestination;
import io.fulmar.testkit.TestDatabase;
import io.fulmar.testkit.junit.PostgresTest;
import java.net.URL;
import java.nio.file.Path;
import java.sql.SQLException;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.testcontainers.containers.PostgreSQLContainer;

/** The application on all engines, with the testkit. */
@PostgresTest
class ContactsTest {
  private final RecordingDestination crm = RecordingDestination.of("crm");

  private static void createTable(TestDatabase database) throws SQLException {
    database.execute(
        "drop table if exists contact",
        "create table contact (id int primary key, email text, plan text)",
        "insert into contact values (1, 'ada@example.org', 'free'), (2, 'bob@example.org', 'pro')");
  }

  private void bringsUpToDate(SyncEngine engine, TestDatabase database) throws SQLException {
    Contacts contacts = new Contacts(crm);
    assertEquals(2, contacts.bringUpToDate(engine).total().accepted());
    database.execute("update contact set plan = 'pro' where id = 1");
    database.execute("delete from contact where id = 2");
    assertEquals(2, contacts.bringUpToDate(engine).total().accepted());
    assertEquals(1, crm.contents().size());
    assertEquals(List.of(), crm.violations());
  }

  @Test
  void standardEngineBringsTheCrmUpToDate(TestDatabase database, @TempDir Path state)
      throws SQLException {
    createTable(database);
    try (SyncEngine engine = StandardEngine.on(Source.of(database.dataSource()), state)) {
      bringsUpToDate(engine, database);
    }
  }

  @Test
  void lightningEngineBringsTheCrmUpToDate(TestDatabase database) throws SQLException {
    createTable(database);
    database.execute(LightningEngine.setupSql(database.user()));
    try (SyncEngine engine = LightningEngine.on(Source.of(database.dataSource()))) {
      bringsUpToDate(engine, database);
    }
  }

  @Test
  void engineInMemoryBringsTheCrmUpToDate() {
    InMemorySource shop = InMemorySource.create();
    shop.model("contacts")
        .column("id", "integer")
        .column("email", "text")
        .column("plan", "text")
        .row(1, "ada@example.org", "free");
    try (SyncEngine engine = InMemoryEngine.on(shop)) {
      assertEquals(1, new Contacts(crm).bringUpToDate(engine).total().accepted());
    }
  }

  @Test
  void librariesAreThoseOfSpringBoot() {
    Map<String, Class<?>> libraries =
        Map.of(
            "junit-jupiter-api-5.12.", Test.class, "postgresql-1.21.", PostgreSQLContainer.class);
    libraries.forEach(
        (name, type) -> {
          URL jar = type.getProtectionDomain().getCodeSource().getLocation();
          assertTrue(jar.getPath().contains(name), () -> jar + " is not " + name);
        });
  }
}
