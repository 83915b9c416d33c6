package io.fulmar.internal.check;

import io.fulmar.Source;
import io.fulmar.Sync;
import io.fulmar.internal.postgres.ConnectFailure;
import io.fulmar.internal.run.RunnerSettings;
import io.fulmar.internal.source.Cancellation;
import io.fulmar.internal.source.SourceSession;
import io.fulmar.spi.CheckSteps;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The steps of a source, from the network to what the role may read. Used by one thread; {@link
 * #cut} may be called by another.
 */
final class SourceCheck implements AutoCloseable {
  static final String NETWORK = "network";
  static final String CREDENTIALS = "credentials";
  static final String LIST = "list schemas and tables";

  /** Two attempts to connect, and as much time again for the rest. */
  private static final int PARTS = 3;

  private final Source source;
  private final String about;
  private final Board board;
  private final Section section;
  private final Access access;
  private final Cancellation cancellation = new Cancellation();
  private @Nullable Connection connection;
  private @Nullable SQLException refused;

  SourceCheck(Source source, @Nullable Sync sync, Board board, RunnerSettings settings) {
    this.source = source;
    this.about = sync == null ? "" : "[sync=" + sync.name() + "]";
    this.board = board;
    this.section = board.section("", List.of(NETWORK, CREDENTIALS, LIST));
    this.access = new Access(source, settings);
  }

  /** What a report calls a source. */
  static String name(Source source) {
    return source.dataSource() != null
        ? "the application's data source"
        : "postgresql://%s:%d/%s".formatted(source.host(), source.port(), source.database());
  }

  /** Takes all steps. */
  void look() {
    section.step(NETWORK, this::network);
    section.stepAfter(NETWORK, CREDENTIALS, this::credentials);
    section.stepAfter(CREDENTIALS, LIST, this::list);
  }

  private void network(CheckSteps.Findings findings) throws InterruptedException {
    try {
      connection = access.connect(board.remaining().dividedBy(PARTS));
    } catch (SQLException e) {
      refused = e;
      ConnectFailure failure = ConnectFailure.of(e);
      if (!isPast(failure.kind())) {
        findings.failure(failure.fact(), failure.remedy());
      }
    }
  }

  /** Whether the network has done its part: a server has answered, and said no. */
  private static boolean isPast(ConnectFailure.Kind kind) {
    return switch (kind) {
      case SECRET, AUTHENTICATION, DATABASE, TOO_MANY, NOT_READY -> true;
      default -> false;
    };
  }

  private void credentials(CheckSteps.Findings findings) {
    SQLException e = refused;
    if (e != null) {
      ConnectFailure failure = ConnectFailure.of(e);
      findings.failure(failure.fact(), failure.remedy());
      return;
    }
    findings.found("logged in");
  }

  private void list(CheckSteps.Findings findings) throws SQLException, InterruptedException {
    try (SourceSession session = session();
        PreparedStatement statement =
            session.connection().prepareStatement(CheckSql.READABLE.sql());
        ResultSet rows = statement.executeQuery()) {
      long readable = 0;
      long all = 0;
      List<String> schemas = new ArrayList<>();
      while (rows.next()) {
        schemas.add(rows.getString(1));
        readable += rows.getBoolean(2) ? rows.getLong(3) : 0;
        all += rows.getLong(4);
      }
      findings.found(
          "%d of %d tables and views can be read, in %d schemas"
              .formatted(readable, all, schemas.size()));
    }
  }

  /** A session of the check; the first one has the connection of the first step. */
  SourceSession session() throws SQLException, InterruptedException {
    Connection first = connection;
    connection = null;
    Connection handle = first != null ? first : access.connect(board.remaining().dividedBy(PARTS));
    return SourceSession.open(() -> handle, source, "fulmar check", about, cancellation);
  }

  String about() {
    return about;
  }

  /** Ends what is going on. */
  void cut() {
    cancellation.cancel();
  }

  @Override
  public void close() {
    access.close();
  }
}
