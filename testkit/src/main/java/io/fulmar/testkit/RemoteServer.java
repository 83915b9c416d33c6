package io.fulmar.testkit;

import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.Locale;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ThreadLocalRandom;

/** A server that the tests did not start themselves as a process: named, or in a container. */
final class RemoteServer implements TestServer {
  /** What the names of databases begin with. */
  static final String PREFIX = "fulmar_test_";

  private static final String ABOUT =
      """
      select current_setting('server_version_num')::int4 / 10000, rolsuper or rolcreatedb
      from pg_roles where rolname = current_user
      """;

  private final TestDatabase maintenance;
  private final int majorVersion;
  private final String description;

  /** Whether nobody else works there, so that a checkpoint for a new database disturbs nobody. */
  private final boolean own;

  private final Set<String> databases = ConcurrentHashMap.newKeySet();

  private RemoteServer(TestDatabase maintenance, String what, boolean own) throws SQLException {
    this.maintenance = maintenance;
    this.own = own;
    try (Connection connection = maintenance.connect();
        Statement statement = connection.createStatement();
        ResultSet row = statement.executeQuery(ABOUT)) {
      row.next();
      majorVersion = row.getInt(1);
      if (!row.getBoolean(2)) {
        throw new SQLException(
            "the role must not create databases. Run alter role %s createdb."
                .formatted(statement.enquoteIdentifier(maintenance.user(), false)));
      }
    }
    description =
        "PostgreSQL %s%s at %s:%s"
            .formatted(majorVersion, what, maintenance.host(), maintenance.port());
  }

  /** A server of somebody else, on which databases that are left are dropped when the JVM ends. */
  static RemoteServer named(TestDatabase maintenance) throws SQLException {
    RemoteServer server = new RemoteServer(maintenance, "", false);
    Runtime.getRuntime().addShutdownHook(new Thread(server::end, "fulmar-test-databases"));
    return server;
  }

  /** A server in a container, which ends with the JVM. */
  static RemoteServer contained(TestDatabase maintenance, String image) throws SQLException {
    return new RemoteServer(maintenance, " in Docker (%s)".formatted(image), true);
  }

  @Override
  public TestDatabase createDatabase() {
    String name =
        PREFIX + String.format(Locale.ROOT, "%016x", ThreadLocalRandom.current().nextLong());
    TestDatabase database =
        new TestDatabase(
            maintenance.host(),
            maintenance.port(),
            name,
            maintenance.user(),
            maintenance.password());
    databases.add(name);
    try {
      if (own) {
        database.createByCopy(majorVersion);
      } else {
        database.create();
      }
    } catch (SQLException e) {
      throw new IllegalStateException(
          "Cannot create database %s on %s: the server refused.".formatted(name, this), e);
    }
    return database;
  }

  @Override
  public int majorVersion() {
    return majorVersion;
  }

  /** Names the version and the place. */
  @Override
  public String toString() {
    return description;
  }

  private void end() {
    try {
      dropWhatIsLeft();
    } catch (SQLException e) {
      System.getLogger("io.fulmar.testkit")
          .log(
              System.Logger.Level.WARNING,
              "Databases %s* of this JVM are left on %s: %s"
                  .formatted(PREFIX, this, e.getMessage()));
    }
  }

  /** Drops the databases that were made by this object and are still there. */
  void dropWhatIsLeft() throws SQLException {
    if (databases.isEmpty()) {
      return;
    }
    try (Connection connection = maintenance.connect();
        Statement statement = connection.createStatement()) {
      for (String name : databases) {
        statement.execute(
            "drop database if exists %s with (force)"
                .formatted(statement.enquoteIdentifier(name, true)));
        databases.remove(name);
      }
    }
  }
}
