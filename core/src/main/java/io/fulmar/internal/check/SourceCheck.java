package io.fulmar.internal.check;

import io.fulmar.Model;
import io.fulmar.ModelPreview;
import io.fulmar.ModelValidation;
import io.fulmar.Row;
import io.fulmar.Source;
import io.fulmar.Sync;
import io.fulmar.internal.postgres.ConnectFailure;
import io.fulmar.internal.postgres.Connections;
import io.fulmar.internal.postgres.OneShot;
import io.fulmar.internal.postgres.Pooling;
import io.fulmar.internal.postgres.SqlStates;
import io.fulmar.internal.row.ImageRow;
import io.fulmar.internal.row.Shape;
import io.fulmar.internal.run.RunnerSettings;
import io.fulmar.internal.source.Cancellation;
import io.fulmar.internal.source.Describer;
import io.fulmar.internal.source.ModelGrants;
import io.fulmar.internal.source.ModelRows;
import io.fulmar.internal.source.ModelShape;
import io.fulmar.internal.source.RowSink;
import io.fulmar.internal.source.SourceSession;
import io.fulmar.internal.sql.Identifier;
import io.fulmar.spi.CheckSteps;
import java.io.IOException;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The steps of a source, from the network to what its role may do. Used by one thread; {@link #cut}
 * may be called by another.
 */
final class SourceCheck implements SourceSteps {
  static final String NETWORK = "network";
  static final String CREDENTIALS = "credentials";
  static final String LIST = "list schemas and tables";
  static final String PRIVILEGES = "privileges";

  private static final Logger LOG = LoggerFactory.getLogger("io.fulmar.run");

  /** So much longer than the source's own bound, so that the driver can say what was wrong. */
  private static final Duration DIAGNOSIS = Duration.ofSeconds(1);

  private static final Duration BEFORE_SECOND_ATTEMPT = Duration.ofSeconds(1);
  private static final int MOST_SHOWN = 8;
  private static final Duration TOLERATED_CLOCKS = Duration.ofSeconds(5);

  private final Source source;
  private final @Nullable Sync sync;
  private final String about;
  private final Board board;
  private final RunnerSettings settings;
  private final Access access;
  private final Cancellation cancellation = new Cancellation();
  private @Nullable Connection connection;
  private @Nullable ConnectFailure refused;

  SourceCheck(Source source, @Nullable Sync sync, Board board, RunnerSettings settings) {
    this.source = source;
    this.sync = sync;
    this.about = sync == null ? "" : "[sync=" + sync.name() + "]";
    this.board = board;
    this.settings = settings;
    this.access = new Access(source, settings);
  }

  /** What a report calls a source. */
  static String name(Source source) {
    return source.dataSource() != null
        ? "the application's data source"
        : "postgresql://%s/%s".formatted(String.join(",", source.hosts()), source.database());
  }

  @Override
  public List<String> names() {
    return List.of(NETWORK, CREDENTIALS, LIST, PRIVILEGES);
  }

  @Override
  public void look(CheckSteps steps) {
    steps.step(NETWORK, this::network);
    steps.stepAfter(NETWORK, CREDENTIALS, this::credentials);
    steps.stepAfter(CREDENTIALS, LIST, this::list);
    steps.stepAfter(CREDENTIALS, PRIVILEGES, this::privileges);
  }

  private void network(CheckSteps.Findings findings) throws InterruptedException, SQLException {
    ConnectFailure failure = attempt(limit(0.4));
    if (failure != null && failure.kind().mayPassAtOnce()) {
      findings.found("the first attempt to connect failed: " + failure.fact());
      settings.waiter().await(new CountDownLatch(1), BEFORE_SECOND_ATTEMPT);
      failure = attempt(limit(0.6));
      if (failure == null) {
        findings.found("the second one succeeded: the server was cold, or busy");
      }
    }
    if (failure == null) {
      describe(findings);
    } else if (failure.kind().isOfServer()) {
      refused = failure;
      findings.found("a server answers");
    } else {
      findings.failure(failure.fact(), failure.remedy());
    }
  }

  /** Tries to connect; null if that worked. */
  private @Nullable ConnectFailure attempt(Duration limit) throws InterruptedException {
    try {
      connection = access.connect(limit);
      return null;
    } catch (SQLException e) {
      return ConnectFailure.of(e);
    }
  }

  private Duration limit(double share) {
    Duration own = source.connectTimeout().plus(DIAGNOSIS);
    Duration most = Duration.ofMillis((long) (board.remaining().toMillis() * share));
    return own.compareTo(most) < 0 ? own : most;
  }

  private void describe(CheckSteps.Findings findings) throws SQLException, InterruptedException {
    Connection open = connection;
    if (open == null) {
      return;
    }
    ServerFacts server = ServerFacts.of(open, board);
    server.lines(access.local()).forEach(findings::found);
    if (server.clocksDiffer(TOLERATED_CLOCKS)) {
      findings.warning(server.clock(), "Let both machines set their clocks by NTP");
    } else {
      findings.found(server.clock());
    }
    if (server.pooled()) {
      pooler(open, findings);
    }
  }

  private void pooler(Connection first, CheckSteps.Findings findings)
      throws SQLException, InterruptedException {
    try (Connection second = access.connect(limit(0.5))) {
      switch (Pooling.between(first, second)) {
        case NONE, SESSION -> findings.found("a pooler stands between");
        case TRANSACTION ->
            findings.found(
                "a pooler stands between and pools by transaction, which is allowed for");
        case STATEMENT ->
            findings.failure(
                "a pooler stands between and pools by statement, so there are no transactions",
                "Set its pool_mode to transaction or session");
      }
    }
  }

  private void credentials(CheckSteps.Findings findings) throws SQLException, InterruptedException {
    ConnectFailure failure = refused;
    if (failure != null) {
      findings.failure(failure.fact(), failure.remedy());
      return;
    }
    try (SourceSession session = session();
        Statement statement = session.connection().createStatement();
        ResultSet row = statement.executeQuery(CheckSql.ROLE.sql())) {
      session.server();
      row.next();
      findings.found(
          "the role %s in the database %s".formatted(row.getString(1), row.getString(2)));
    }
  }

  private void list(CheckSteps.Findings findings) throws SQLException, InterruptedException {
    long readable = 0;
    long all = 0;
    List<String> open = new ArrayList<>();
    try (SourceSession session = session();
        Statement statement = session.connection().createStatement();
        ResultSet rows = statement.executeQuery(CheckSql.READABLE.sql())) {
      while (rows.next()) {
        all += rows.getLong(4);
        if (rows.getBoolean(2) && rows.getLong(3) > 0) {
          open.add(rows.getString(1));
          readable += rows.getLong(3);
        }
      }
    }
    String fact = "%s of %s tables and views can be read".formatted(readable, all);
    if (all == 0) {
      findings.warning("there are no tables and views", "Look at the name of the database");
    } else if (readable > 0) {
      findings.found(fact + ", in " + shown(open));
    } else {
      findings.failure(
          fact,
          "Grant USAGE on the schema and SELECT on the tables that the models read; Source.roleSql gives the SQL");
    }
  }

  private static String shown(List<String> names) {
    int most = Math.min(names.size(), MOST_SHOWN);
    String more = names.size() > most ? ", ..." : "";
    return String.join(", ", names.subList(0, most)) + more;
  }

  private void privileges(CheckSteps.Findings findings) throws SQLException, InterruptedException {
    try (SourceSession session = session();
        Statement statement = session.connection().createStatement()) {
      limit(session, 0.4);
      String role;
      try (ResultSet row = statement.executeQuery(CheckSql.ROLE.sql())) {
        row.next();
        role = row.getString(1);
      }
      try (ResultSet rows = statement.executeQuery(CheckSql.POWERS.sql())) {
        while (rows.next()) {
          power(role, rows.getString(1), rows.getString(2), rows.getString(3), findings);
        }
      }
      if (sync != null) {
        ModelGrants grants = ModelGrants.of(session.connection(), sync.model());
        for (ModelGrants.Grant grant : grants.missing()) {
          findings.failure(grant.role() + " lacks " + grant.privilege(), grant.sql());
        }
        for (ModelGrants.Excess excess : grants.excess()) {
          findings.warning(excess.fact(), excess.remedy());
        }
      }
    }
  }

  /** Something that the role can do and a reader has no use for. */
  private static void power(
      String role,
      String power,
      String holder,
      @Nullable String through,
      CheckSteps.Findings findings) {
    boolean ofRole = power.equals("member");
    String what = ofRole ? "" : " (" + power.toUpperCase(Locale.ROOT) + ")";
    if (!holder.equals(role)) {
      findings.warning(
          "the role %s is a member of %s%s".formatted(role, holder, what),
          "revoke %s from %s"
              .formatted(Identifier.of(through == null ? holder : through), Identifier.of(role)));
    } else if (power.equals("superuser")) {
      findings.warning(
          "the role %s is a superuser: nothing holds it back".formatted(role),
          "Use a role that may only read; Source.roleSql gives the SQL");
    } else {
      findings.warning(
          "the role %s has more than it needs%s".formatted(role, what),
          "alter role %s no%s".formatted(Identifier.of(role), power));
    }
  }

  @Override
  public Described describe(Model model) throws SQLException, InterruptedException {
    try (SourceSession session = session()) {
      limit(session, 0.4);
      ModelValidation validation = Describer.validate(session, model);
      return new Described(
          validation, validation.isUsable() ? Describer.describe(session, model) : null);
    }
  }

  @Override
  public ModelPreview firstRows(Model model) throws SQLException, InterruptedException {
    List<Row> rows = new ArrayList<>();
    try (SourceSession session = session()) {
      limit(session, 0.4);
      ModelShape described = Describer.describe(session, model);
      Shape rowShape = described.rowShape();
      RowSink sink =
          (buffer, from, to, fields) ->
              rows.add(ImageRow.of(rowShape, Arrays.copyOfRange(buffer, from, to)));
      ModelRows.read(
          session,
          described.previewSql(),
          described.fieldKinds(),
          described.fieldCount(),
          "read the model " + model.name(),
          sink);
      return new ModelPreview(described.preview(), rows, List.of());
    } catch (IOException e) {
      throw new IllegalStateException("a list does not throw this", e);
    }
  }

  /** A session of the check; the first one has the connection of the first step. */
  private SourceSession session() throws SQLException, InterruptedException {
    AtomicReference<@Nullable Connection> first = new AtomicReference<>(connection);
    connection = null;
    if (first.get() == null) {
      first.set(access.connect(limit(0.5)));
    }
    Connections connections =
        () -> {
          Connection handle = first.getAndSet(null);
          return handle != null ? handle : access.another();
        };
    return SourceSession.open(connections, source, "fulmar check", about, cancellation);
  }

  /**
   * Lets no statement of a session take more than a share of what is left, and no lock half of it.
   */
  private void limit(SourceSession session, double share) throws SQLException {
    long millis = Math.max(1, (long) (board.remaining().toMillis() * share));
    try (PreparedStatement statement =
        OneShot.prepare(session.connection(), CheckSql.LIMIT.sql())) {
      statement.setString(1, millis + "ms");
      statement.setString(2, Math.max(1, millis / 2) + "ms");
      statement.executeQuery().close();
    }
  }

  @Override
  public String about() {
    return about;
  }

  @Override
  public void cut() {
    cancellation.cancel();
  }

  @Override
  public void close() {
    Connection unused = connection;
    connection = null;
    try {
      if (unused != null) {
        unused.close();
      }
    } catch (SQLException e) {
      LOG.debug("a connection of a check could not be closed: {}", SqlStates.code(e));
    } finally {
      access.close();
    }
  }
}
