package io.fulmar.verify.lightning;

import static org.assertj.core.api.Assertions.assertThat;

import io.fulmar.Model;
import io.fulmar.Removal;
import io.fulmar.Source;
import io.fulmar.SourceException;
import io.fulmar.Sync;
import io.fulmar.internal.mapping.UsedColumns;
import io.fulmar.internal.postgres.SourcePool;
import io.fulmar.internal.source.Access;
import io.fulmar.internal.source.Cancellation;
import io.fulmar.internal.source.Describer;
import io.fulmar.internal.source.ModelShape;
import io.fulmar.internal.source.ServerIdentity;
import io.fulmar.internal.source.SourceSession;
import io.fulmar.internal.store.Extent;
import io.fulmar.internal.store.PlanRequest;
import io.fulmar.lightning.internal.delta.DeltaScan;
import io.fulmar.lightning.internal.delta.DeltaTerms;
import io.fulmar.lightning.internal.delta.DeltaWay;
import io.fulmar.lightning.internal.plan.StoredKey;
import io.fulmar.lightning.internal.schema.Schemas;
import io.fulmar.lightning.internal.schema.SyncTables;
import io.fulmar.spi.Delivery;
import io.fulmar.spi.Destination;
import io.fulmar.testkit.TestDatabase;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Function;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * A table that is a model and the tables that remember its keys, without an engine around them.
 * {@link Look} is the transaction of a plan: the delta scan in it is held against a comparison of
 * all rows in the same snapshot. {@link #fold} moves the memory as a fold does. The hash of a row
 * is that of its text, seeded by all that hashes depend on.
 */
final class DeltaFixture implements AutoCloseable {
  /** What becomes of a key that differs. */
  enum Fate {
    /** The destination accepts it. */
    ACCEPTED,
    /** It does not, and the key is held. */
    HELD,
    /** It is not asked. */
    NOT_TRIED
  }

  /** What a full comparison says of a key. */
  record Difference(@Nullable Long source, @Nullable Long accepted, boolean gone, boolean held) {
    boolean due() {
      return source == null
          ? accepted != null && !gone
          : accepted == null || gone || !source.equals(accepted);
    }
  }

  private static final Instant NOW = Instant.parse("2026-03-01T12:00:00Z");

  final SyncTables tables = Schemas.DEFAULT.tables(1);
  private final Connection memory;
  private final Map<String, PreparedStatement> writes = new LinkedHashMap<>();
  private final SourcePool pool;
  private final Source source;

  Sync sync;
  PlanRequest request = PlanRequest.RUN;
  Duration fullDiffEvery = Duration.ofHours(24);
  Instant now = NOW;
  String content = "";
  @Nullable String base;
  @Nullable Instant lastFullDiff;
  DeltaTerms.@Nullable State state;
  @Nullable ServerIdentity server;
  private @Nullable StoredKey key;

  DeltaFixture(TestDatabase database, Model model) throws SQLException {
    this(database, model, database.user());
  }

  DeltaFixture(TestDatabase database, Model model, String user) throws SQLException {
    this.memory = database.connect();
    this.source =
        Source.builder()
            .host(database.host())
            .port(database.port())
            .database(database.name())
            .user(user)
            .withoutTls()
            .build();
    this.pool = new SourcePool(source, "delta");
    this.sync = sync(model).build();
  }

  static Sync.Builder sync(Model model) {
    return Sync.builder("crm")
        .model(model)
        .to(Destination.of("crm:contacts", batch -> Delivery.allAccepted()))
        .onRemoved(Removal.DELETE);
  }

  /** Begins the transaction of a plan; the snapshot is taken. */
  Look open() {
    return new Look();
  }

  /** Plans, verifies and folds: all that differs is accepted. */
  DeltaWay run() throws SQLException {
    return run(k -> Fate.ACCEPTED);
  }

  /** Plans, verifies and folds. */
  DeltaWay run(Function<List<String>, Fate> fates) throws SQLException {
    try (Look look = open()) {
      DeltaWay way = look.look();
      Map<List<String>, Difference> differences = look.verify();
      fold(look, differences, fates);
      return way;
    }
  }

  /** The transaction of a plan. */
  final class Look implements AutoCloseable {
    final SourceSession session =
        SourceSession.open(
            pool,
            source,
            "fulmar crm",
            "[sync=crm]",
            new Cancellation(),
            Access.write(Duration.ofMinutes(1)).locking(DeltaScan.locks(base, sync)));
    private final DeltaTerms.Lock lock =
        base == null ? DeltaTerms.Lock.NOT_TAKEN : DeltaTerms.Lock.TAKEN;
    @Nullable ModelShape shape;
    @Nullable DeltaScan scan;
    @Nullable DeltaWay way;

    /** What the delta scan decides. */
    DeltaWay look() throws SQLException {
      return look(lock);
    }

    DeltaWay look(DeltaTerms.Lock taken) throws SQLException {
      ModelShape found =
          UsedColumns.of(Describer.describe(session, sync.model()), sync, "[sync=crm]");
      shape = found;
      key = StoredKey.of(found);
      createMemory();
      scan =
          new DeltaScan(
              session.connection(),
              new DeltaTerms(
                  sync,
                  request,
                  found,
                  server == null ? session.server() : server,
                  content + found.fingerprint(),
                  state,
                  base,
                  lastFullDiff,
                  now,
                  fullDiffEvery,
                  taken));
      way = scan.look();
      if (way instanceof DeltaWay.Some some && !some.isBorneOut(arrived(some))) {
        way = scan.lookUp();
      }
      return way;
    }

    /** How many new keys a plan would have. */
    private long arrived(DeltaWay.Some some) throws SQLException {
      return numbers(
          "select count(*) from (%s) as m where not exists (select from %s as a where (%s) = (%s) and a.gone_since is null)"
              .formatted(source(some.shape()), tables.state(0), ours("a."), ours("m.")));
    }

    /**
     * Compares all rows, and holds the delta scan against it: what differs or is held, it looks at;
     * no key twice, none without a row as if it had one.
     *
     * @return what differs or is held
     */
    Map<List<String>, Difference> verify() throws SQLException {
      Map<List<String>, Difference> found = differences();
      if (isOvertaken() && !(way instanceof DeltaWay.Full)) {
        way = new DeltaWay.Full("the run reads again");
      }
      if (way instanceof DeltaWay.Full) {
        return found;
      }
      long rows = numbers("select count(*) from (\n%s\n) as m".formatted(shape.query().sql()));
      Set<List<String>> lookedAt = new HashSet<>();
      if (way instanceof DeltaWay.Unchanged unchanged) {
        assertThat(unchanged.rows()).isEqualTo(rows);
      } else if (way instanceof DeltaWay.Some some) {
        assertThat(some.rows()).isEqualTo(rows);
        List<List<String>> withRow = keys(source(some.shape()));
        List<List<String>> absent =
            keys("select %s from %s as x".formatted(ours("x."), some.absent().sql()));
        Set<List<String>> all = new HashSet<>(keys(source(shape)));
        // Thousands of keys: each is looked up.
        for (List<String> key : withRow) {
          assertThat(all.contains(key) && lookedAt.add(key)).as("%s has a row, once", key).isTrue();
        }
        for (List<String> key : absent) {
          assertThat(!all.contains(key) && lookedAt.add(key)).as("%s has none", key).isTrue();
        }
      }
      for (List<String> key : found.keySet()) {
        assertThat(lookedAt.contains(key)).as("%s is looked at", key).isTrue();
      }
      return found;
    }

    private boolean isOvertaken() {
      try {
        session.refuseOvertaken("scan");
        return false;
      } catch (SourceException e) {
        return true;
      }
    }

    private String source(ModelShape of) {
      return "select %s from (\n%s\n) as fulmar_model".formatted(stored(), of.query().sql());
    }

    private String stored() {
      List<String> types = key.types();
      return IntStream.range(0, types.size())
          .mapToObj(
              i -> {
                String name = '"' + sync.model().key().get(i) + '"';
                return (types.get(i).equals("numeric")
                        ? "trim_scale(%s)".formatted(name)
                        : name + "::" + typed(types.get(i)))
                    + " as k"
                    + i;
              })
          .collect(Collectors.joining(", "));
    }

    private Map<List<String>, Difference> differences() throws SQLException {
      String used =
          shape.used().stream()
              .map(i -> '"' + shape.columns().get(i).name() + '"')
              .collect(Collectors.joining(", "));
      String sql =
          """
          select w.h, a.hash, a.gone_since is not null, h.kind is not null, %s
          from (select %s, hashtextextended(row(%s)::text, hashtextextended(?, 0)) as h
                from (
          %s
          ) as fulmar_model) w
          full join %s a using (%s)
          full join %s h using (%s)
          """
              .formatted(
                  ours(""),
                  stored(),
                  used,
                  shape.query().sql(),
                  tables.state(0),
                  names(),
                  tables.holds(),
                  names());
      Map<List<String>, Difference> found = new LinkedHashMap<>();
      try (PreparedStatement statement = session.connection().prepareStatement(sql)) {
        statement.setString(1, (content + shape.fingerprint()).replace('\0', ' '));
        try (ResultSet row = statement.executeQuery()) {
          while (row.next()) {
            Difference difference =
                new Difference(
                    row.getObject(1, Long.class),
                    row.getObject(2, Long.class),
                    row.getBoolean(3),
                    row.getBoolean(4));
            if (difference.due() || difference.held()) {
              found.put(key(row, 5), difference);
            }
          }
        }
      }
      return found;
    }

    private List<List<String>> keys(String sql) throws SQLException {
      List<List<String>> keys = new ArrayList<>();
      try (Statement statement = session.connection().createStatement();
          ResultSet row = statement.executeQuery(sql)) {
        while (row.next()) {
          keys.add(key(row, 1));
        }
      }
      return keys;
    }

    private long numbers(String sql) throws SQLException {
      try (Statement statement = session.connection().createStatement();
          ResultSet row = statement.executeQuery(sql)) {
        row.next();
        return row.getLong(1);
      }
    }

    @Override
    public void close() {
      session.close();
    }
  }

  private List<String> key(ResultSet row, int from) throws SQLException {
    List<String> texts = new ArrayList<>();
    for (int i = 0; i < key.types().size(); i++) {
      texts.add(row.getString(from + i));
    }
    return texts;
  }

  private String names() {
    return key.columns().stream().map(Object::toString).collect(Collectors.joining(", "));
  }

  private String ours(String before) {
    return IntStream.range(0, key.types().size())
        .mapToObj(i -> before + "k" + i)
        .collect(Collectors.joining(", "));
  }

  private static String typed(String type) {
    return type.equals("text") ? type + " collate \"C\"" : type;
  }

  /** As the engine makes them, with the columns that matter here. */
  private void createMemory() throws SQLException {
    if (state != null) {
      return;
    }
    String columns =
        IntStream.range(0, key.types().size())
            .mapToObj(i -> "k%s %s".formatted(i, typed(key.types().get(i))))
            .collect(Collectors.joining(", "));
    execute(
        "create schema if not exists fulmar_planner",
        "drop table if exists %s".formatted(tables.state(0)),
        "drop table if exists %s".formatted(tables.holds()),
        "create table %s (%s, hash int8 not null, gone_since int8, primary key (%s))"
            .formatted(tables.state(0), columns, names()),
        "create table %s (%s, kind text, primary key (%s))"
            .formatted(tables.holds(), columns, names()));
    look();
  }

  private void execute(String... statements) throws SQLException {
    try (Statement statement = memory.createStatement()) {
      for (String sql : statements) {
        statement.execute(sql);
      }
    }
  }

  /** Notes what a fold leaves. */
  void look() throws SQLException {
    try (Statement statement = memory.createStatement();
        ResultSet row =
            statement.executeQuery(
                "select count(*), pg_relation_filenode('%s') from %s where gone_since is null"
                    .formatted(tables.state(0), tables.state(0)))) {
      row.next();
      state = new DeltaTerms.State(tables, 0, row.getLong(1), row.getLong(2));
    }
  }

  /** Moves the memory as a fold does, and what the next delta scan goes by. */
  void fold(
      Look look, Map<List<String>, Difference> differences, Function<List<String>, Fate> fates)
      throws SQLException {
    boolean whole = request.keys() == null;
    memory.setAutoCommit(false);
    for (Map.Entry<List<String>, Difference> entry : differences.entrySet()) {
      Fate fate = fates.apply(entry.getKey());
      whole &= fate != Fate.NOT_TRIED;
      settle(entry.getKey(), entry.getValue(), fate);
    }
    for (PreparedStatement statement : writes.values()) {
      statement.executeBatch();
      statement.close();
    }
    writes.clear();
    memory.setAutoCommit(true);
    look();
    base =
        DeltaScan.after(base, look.scan.base(), request.kind(), whole ? Extent.WHOLE : Extent.PART);
    if (look.way instanceof DeltaWay.Full && whole) {
      lastFullDiff = now;
    }
  }

  private void settle(List<String> of, Difference difference, Fate fate) throws SQLException {
    boolean ignored = difference.source() == null && sync.removal() == Removal.IGNORE;
    if (fate == Fate.NOT_TRIED && !ignored) {
      return;
    }
    if (fate == Fate.HELD && !ignored) {
      write(
          "insert into %s values (%s, 'REJECTED') on conflict do nothing"
              .formatted(tables.holds(), values()),
          of);
      return;
    }
    if (difference.held()) {
      write("delete from %s where (%s) = (%s)".formatted(tables.holds(), names(), values()), of);
    }
    if (difference.source() != null) {
      List<String> values = new ArrayList<>(of);
      values.add(difference.source().toString());
      write(
          "insert into %s values (%s, ?::int8, null) on conflict (%s) do update set hash = excluded.hash, gone_since = null"
              .formatted(tables.state(0), values(), names()),
          values);
    } else {
      write(
          (ignored
                  ? "update %s set gone_since = coalesce(gone_since, 1) where (%s) = (%s)"
                  : "delete from %s where (%s) = (%s)")
              .formatted(tables.state(0), names(), values()),
          of);
    }
  }

  private String values() {
    return key.types().stream().map(type -> "?::" + type).collect(Collectors.joining(", "));
  }

  /** Each key is written once, so the order of the statements does not matter. */
  private void write(String sql, List<String> of) throws SQLException {
    PreparedStatement statement = writes.get(sql);
    if (statement == null) {
      statement = memory.prepareStatement(sql);
      writes.put(sql, statement);
    }
    for (int i = 0; i < of.size(); i++) {
      statement.setString(i + 1, of.get(i));
    }
    statement.addBatch();
  }

  @Override
  public void close() throws SQLException {
    pool.close();
    memory.close();
  }
}
