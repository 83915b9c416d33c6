package io.fulmar.testkit;

import java.sql.SQLException;

/** What tests have made on a server that is not theirs alone. */
public final class Leftovers {
  private Leftovers() {}

  /** Drops the databases that this JVM has made there, and none of others. */
  public static void drop(TestServer server) throws SQLException {
    ((RemoteServer) server).dropWhatIsLeft();
  }
}
