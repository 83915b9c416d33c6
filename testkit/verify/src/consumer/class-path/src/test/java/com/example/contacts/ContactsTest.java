package com.example.contacts;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.fulmar.Source;
import io.fulmar.StandardEngine;
import io.fulmar.SyncEngine;
import io.fulmar.lightning.LightningEngine;
import io.fulmar.testkit.RecordingDestination;
import io.fulmar.testkit.TestDatabase;
import io.fulmar.testkit.TestPostgres;
import java.net.URL;
import java.nio.file.Path;
import java.sql.SQLException;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.testcontainers.containers.PostgreSQLContainer;

/** The application on both engines, with the testkit. */
class ContactsTest {
  private static TestPostgres postgres;

  private final RecordingDestination crm = RecordingDestination.of("crm");
  private TestDatabase database;

  @BeforeAll
  static void startServer() {
    postgres = TestPostgres.start();
  }

  @AfterAll
  static void stopServer() {
    postgres.close();
  }

  @BeforeEach
  void createTable() throws SQLException {
    database = postgres.createDatabase();
    database.execute(
        "create table contact (id int primary key, email text, plan text)",
        "insert into contact values (1, 'ada@example.org', 'free'), (2, 'bob@example.org', 'pro')");
  }

  private void bringsUpToDate(SyncEngine engine) throws SQLException {
    Contacts contacts = new Contacts(crm);
    assertEquals(2, contacts.bringUpToDate(engine).total().accepted());
    database.execute("update contact set plan = 'pro' where id = 1");
    database.execute("delete from contact where id = 2");
    assertEquals(2, contacts.bringUpToDate(engine).total().accepted());
    assertEquals(1, crm.contents().size());
    assertEquals(List.of(), crm.violations());
  }

  @Test
  void standardEngineBringsTheCrmUpToDate(@TempDir Path state) throws SQLException {
    try (SyncEngine engine = StandardEngine.on(Source.of(database.dataSource()), state)) {
      bringsUpToDate(engine);
    }
  }

  @Test
  void lightningEngineBringsTheCrmUpToDate() throws SQLException {
    database.execute(LightningEngine.setupSql(database.user()));
    try (SyncEngine engine = LightningEngine.on(Source.of(database.dataSource()))) {
      bringsUpToDate(engine);
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
