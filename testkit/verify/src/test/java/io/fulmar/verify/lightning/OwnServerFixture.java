package io.fulmar.verify.lightning;

import io.fulmar.testkit.TestDatabase;
import io.fulmar.testkit.internal.postgres.ServerProcess;
import java.io.IOException;
import java.sql.SQLException;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeEach;

/**
 * What tests share that do something to the server itself: one that belongs to the class, and in it
 * a database for each test, with twenty rows in {@code item}.
 */
abstract class OwnServerFixture extends LightningFixture {
  static final int ROWS = 20;

  private static @Nullable ServerProcess server;
  private static int databases;

  /** Starts the server, once for the class. */
  abstract ServerProcess startServer() throws Exception;

  static ServerProcess server() {
    if (server == null) {
      throw new IllegalStateException("the server has not been started");
    }
    return server;
  }

  @BeforeEach
  void useOwnServer() throws Exception {
    if (server == null) {
      server = startServer();
    }
    TestDatabase first = server().database();
    String name = "own_" + ++databases;
    first.execute("create database " + name);
    database = new TestDatabase(first.host(), first.port(), name, first.user());
    prepareItems();
  }

  private void prepareItems() throws SQLException {
    prepare(database);
    database.execute(
        "insert into item select i, 'v' || i from generate_series(11, " + ROWS + ") i");
  }

  @AfterAll
  static void endServer() throws IOException {
    if (server != null) {
      server.close();
      server = null;
    }
  }
}
