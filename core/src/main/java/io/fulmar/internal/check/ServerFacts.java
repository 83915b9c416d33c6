package io.fulmar.internal.check;

import io.fulmar.internal.postgres.Pooling;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * What a server says of itself and of a connection to it.
 *
 * @param version of the server
 * @param client this machine's address and port, as the server sees them; null for a local socket
 * @param server its own address and port; null for a local socket
 * @param encryption version and cipher of TLS; null for none
 * @param standby whether it replays the log of another server
 * @param pooled whether a pooler stands between
 * @param clockAhead how far its clock is ahead of the one here, negative if it is behind
 * @param clockError what that may be wrong by
 */
record ServerFacts(
    String version,
    @Nullable String client,
    @Nullable String server,
    @Nullable String encryption,
    boolean standby,
    boolean pooled,
    Duration clockAhead,
    Duration clockError) {

  /**
   * Asks; leaves the connection as it was.
   *
   * @param connection outside a transaction
   * @param board tells the time
   */
  static ServerFacts of(Connection connection, Board board) throws SQLException {
    boolean pooled = Pooling.isBehind(connection);
    long sent = board.now();
    Instant before = Instant.now();
    try (Statement statement = connection.createStatement();
        ResultSet row = statement.executeQuery(CheckSql.SERVER.sql())) {
      row.next();
      // The server reads its clock somewhere within the round trip.
      Duration half = Duration.ofNanos((board.now() - sent) / 2);
      Instant there = row.getObject(6, OffsetDateTime.class).toInstant();
      String tls = row.getString(8);
      return new ServerFacts(
          row.getString(1),
          place(row.getString(2), row.getInt(3)),
          place(row.getString(4), row.getInt(5)),
          tls == null ? null : tls + " " + row.getString(9),
          row.getBoolean(7),
          pooled,
          Duration.between(before.plus(half), there),
          half);
    } finally {
      if (!connection.getAutoCommit()) {
        connection.rollback();
      }
    }
  }

  static @Nullable String place(@Nullable String address, int port) {
    if (address == null) {
      return null;
    }
    return address.contains(":") ? "[" + address + "]:" + port : address + ":" + port;
  }

  /**
   * What a report says of it.
   *
   * @param local this machine's end as it sees it itself; null if nobody knows
   */
  List<String> lines(@Nullable String local) {
    List<String> lines = new ArrayList<>();
    lines.add("PostgreSQL " + version + (standby ? ", a hot standby" : ""));
    if (client != null && server != null) {
      lines.add("the server has the address %s and sees us come from %s".formatted(server, client));
      if (local != null && !local.equals(client)) {
        lines.add("here our address is " + local + ": something between stands for one of us");
      }
    } else {
      lines.add("a socket of the server's own machine");
    }
    lines.add(encryption == null ? "not encrypted" : encryption);
    return lines;
  }

  /** Whether the clocks differ by more than a message can have been under way. */
  boolean clocksDiffer(Duration tolerated) {
    return clockAhead.abs().minus(clockError).compareTo(tolerated) > 0;
  }

  String clock() {
    return String.format(
        Locale.ROOT,
        "its clock is %.1f s %s ours",
        clockAhead.abs().toMillis() / 1e3,
        clockAhead.isNegative() ? "behind" : "ahead of");
  }
}
