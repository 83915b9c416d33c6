package io.fulmar.lightning.internal.delta;

import io.fulmar.Model;
import io.fulmar.ModelTable;
import io.fulmar.Sync;
import io.fulmar.SyncMode;
import io.fulmar.internal.postgres.OneShot;
import io.fulmar.internal.source.ModelShape;
import io.fulmar.internal.source.ServerIdentity;
import io.fulmar.internal.sql.Identifier;
import io.fulmar.internal.sql.QueryText;
import io.fulmar.internal.sql.SqlFragment;
import io.fulmar.internal.sql.SqlPart;
import io.fulmar.internal.sql.SqlTemplate;
import io.fulmar.internal.store.Extent;
import io.fulmar.internal.store.PlanRequest;
import io.fulmar.internal.type.ColumnKind;
import io.fulmar.lightning.internal.plan.StoredForm;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.EnumMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Decides how the changes of one plan are found, in its transaction: by comparing every row, or
 * only the rows that were written since the <i>base</i>, the snapshot of the last plan that was
 * folded whole, and the held keys.
 *
 * <p>A row that the snapshot of the base did not show was written by a transaction that was not
 * over in it, so its {@code xmin} is at or after {@code pg_snapshot_xmin} of that snapshot
 * (PostgreSQL manual, section 9.27). What was removed follows from counts: synced keys that are not
 * gone, plus rows looked at that are none of them, minus all rows. Not threadsafe; one for each
 * plan.
 */
public final class DeltaScan {
  /** Of two billion that a transaction number tells apart. */
  private static final long OLDEST_BASE = 1_000_000_000;

  /** Below so many keys it does not matter how many of all they are. */
  private static final long FEW = 10_000;

  /** So many removed keys are kept in the session, and not looked for again. */
  private static final long MOST_LISTED = 10_000;

  /** Of so many rows the places are kept in the session, and the table is not scanned again. */
  private static final long MOST_PLACED = 100_000;

  /**
   * Looking up one key after the other is faster than a full diff up to about this share of all.
   */
  private static final long SHARE = 10;

  private final Connection connection;
  private final DeltaTerms terms;
  private @Nullable DeltaTable table;
  private @Nullable DeltaBase now;
  private @Nullable Scanned scanned;

  /** What the scan of the table has found, and what it is compared with. */
  private record Scanned(
      WrittenRows rows,
      long held,
      ModelShape shape,
      DeltaKey key,
      Identifier states,
      Identifier holds,
      long live) {
    long lookedAt() {
      return rows.written() + held;
    }
  }

  /**
   * A scan.
   *
   * @param connection in the transaction of the plan
   * @param terms what it is about
   */
  public DeltaScan(Connection connection, DeltaTerms terms) {
    this.connection = connection;
    this.terms = terms;
  }

  /**
   * What has to be locked in ACCESS SHARE mode before the snapshot of a plan is taken: without it,
   * a table that is emptied and filled again in between reads as an empty one.
   *
   * @param base what was kept as {@code delta_base}; null for nothing
   * @param sync what will be planned
   */
  public static List<Identifier> locks(@Nullable String base, Sync sync) {
    ModelTable read = sync.model().table();
    return base == null || read == null
        ? List.of()
        : List.of(Identifier.of(read.schema(), read.name()));
  }

  /**
   * What is kept as {@code delta_base} after a fold.
   *
   * @param before what was kept before it
   * @param planned {@link #base} of the plan
   * @param request what the plan was made for
   * @param extent how much of the model was delivered; {@link Extent#WHOLE} if every planned change
   *     was accepted or is held, and nothing was aborted, deferred or invalid
   * @return null for nothing
   */
  public static @Nullable String after(
      @Nullable String before, @Nullable String planned, PlanRequest.Kind request, Extent extent) {
    DeltaBase next = DeltaBase.parse(planned);
    if (next == null || request != PlanRequest.Kind.RUN) {
      return null;
    }
    if (extent == Extent.WHOLE) {
      return planned;
    }
    // Memory has moved under these terms: of a base under others, nothing can be said any more.
    DeltaBase kept = DeltaBase.parse(before);
    return kept != null && next.differs(kept) == null ? before : null;
  }

  /** Looks at the catalogs and, if nothing speaks against it, at the table. */
  public DeltaWay look() throws SQLException {
    String refusal = refusal();
    if (refusal == null) {
      refusal = objection();
    }
    return refusal == null ? scan() : new DeltaWay.Full(refusal);
  }

  /**
   * What is kept as {@code delta_base} once the plan of this transaction is folded whole; null for
   * nothing. Known after {@link #look}, whichever way it gave.
   */
  public @Nullable String base() {
    return now == null ? null : now.text();
  }

  /** Why this sync and this table can have no base; null if they can. */
  private @Nullable String refusal() throws SQLException {
    Model model = terms.sync().model();
    ModelTable read = model.table();
    if (read == null) {
      return "the model is a query";
    }
    if (read.condition() != null) {
      return "the model has a condition";
    }
    if (terms.sync().mode() == SyncMode.ALL) {
      return "the mode ALL sends every row";
    }
    if (terms.sync().mode() == SyncMode.INSERT) {
      return "the mode INSERT leaves changed rows out";
    }
    DeltaTable found = new DeltaTable(connection, read, terms.shape());
    String refusal = found.refusal();
    if (refusal != null) {
      return refusal;
    }
    table = found;
    now = new DeltaBase(found.oldest(), parts(found));
    return null;
  }

  private Map<DeltaBase.Part, String> parts(DeltaTable found) {
    ServerIdentity server = terms.server();
    Sync sync = terms.sync();
    Map<DeltaBase.Part, String> parts = new EnumMap<>(DeltaBase.Part.class);
    parts.put(
        DeltaBase.Part.SERVER,
        digest(server.system() + " " + server.timeline() + " " + server.database()));
    parts.put(DeltaBase.Part.VERSION, found.version());
    parts.put(DeltaBase.Part.TABLE, found.number());
    parts.put(DeltaBase.Part.PARTITIONS, found.partitions());
    parts.put(DeltaBase.Part.COLUMNS, found.columns());
    parts.put(DeltaBase.Part.TYPES, found.types());
    // A row with too many bytes has another version than it had under another limit.
    parts.put(DeltaBase.Part.CONTENT, digest(terms.content() + "\nbytes " + sync.maxRowBytes()));
    parts.put(DeltaBase.Part.KEY, digest(terms.shape().keySignature()));
    parts.put(DeltaBase.Part.MODE, sync.mode().name());
    parts.put(DeltaBase.Part.REMOVAL, sync.removal().name());
    parts.put(DeltaBase.Part.SETTINGS, digest(terms.content() + "\n" + sync.model().settings()));
    parts.put(DeltaBase.Part.REMEMBERED, digest(String.join("\n", sync.remembered())));
    return parts;
  }

  private static String digest(String text) {
    try {
      byte[] digest =
          MessageDigest.getInstance("SHA-256").digest(text.getBytes(StandardCharsets.UTF_8));
      return HexFormat.of().formatHex(digest, 0, 16);
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java has SHA-256", e);
    }
  }

  /** Why this plan cannot go by the base; null if it can. */
  private @Nullable String objection() {
    switch (terms.request().kind()) {
      case RESYNC, FILL:
        return "every row is sent again";
      case RESET:
        return "every row is taken as delivered";
      case RUN:
        break;
    }
    if (terms.request().keys() != null) {
      return "only some keys are asked for";
    }
    if (terms.fullDiffEvery().isZero()) {
      return "fullDiffEvery is 0";
    }
    DeltaBase base = DeltaBase.parse(terms.base());
    DeltaBase present = now;
    if (base == null || present == null || terms.state() == null) {
      return "there is no base: no plan was folded whole since the state was made or changed otherwise";
    }
    DeltaBase.Part changed = present.differs(base);
    if (changed != null) {
      return changed.changed();
    }
    if (terms.lock() == DeltaTerms.Lock.NOT_TAKEN) {
      return "the table could not be locked";
    }
    if (terms.lastFullDiff() == null
        || !terms.now().isBefore(terms.lastFullDiff().plus(terms.fullDiffEvery()))) {
      return "the last full diff is older than fullDiffEvery, " + terms.fullDiffEvery();
    }
    long age = present().next() - base.horizon();
    if (age < 0 || present().oldest() < base.horizon()) {
      return "the server's transaction numbers went back since the base";
    }
    return age < OLDEST_BASE ? null : "the base is older than a billion transactions";
  }

  private DeltaTable present() {
    DeltaTable found = table;
    if (found == null) {
      throw new IllegalStateException("the table has not been looked at");
    }
    return found;
  }

  private DeltaWay scan() throws SQLException {
    DeltaTable found = present();
    DeltaBase base = DeltaBase.parse(terms.base());
    DeltaTerms.State state = terms.state();
    if (base == null || state == null) {
      throw new IllegalStateException("there is no base");
    }
    Identifier states = state.tables().state(state.generation());
    Identifier holds = state.tables().holds();
    long[] held = values(DeltaSql.HELD.with("holds", holds).sql(), states.sql(), found.name());
    if (held[1] != state.filenode()
        && values(DeltaSql.LIVE.with("state", states).sql())[0] != state.live()) {
      return new DeltaWay.Full("the state does not hold the keys that the last fold left in it");
    }
    XidRange since = new XidRange(base.horizon(), found.next());
    WrittenRows rows = WrittenRows.scan(connection, found, since, held[2], MOST_PLACED);
    long lookedAt = rows.written() + held[0];
    if (lookedAt > FEW && lookedAt > rows.count() / SHARE) {
      return new DeltaWay.Full(
          "more than a tenth of the rows were written since the base, or are held");
    }
    DeltaKey key = found.key();
    ModelShape shape =
        0 < lookedAt && lookedAt <= MOST_PLACED && !found.isPartitioned()
            ? placed(found, rows, since, holds, key, held[0])
            : sought(found.scanned(), since.written(), holds, key, held[0]);
    Scanned all = new Scanned(rows, held[0], shape, key, states, holds, state.live());
    scanned = all;
    // Rows beyond the synced keys are likely those of additions that are held.
    long beyond = rows.count() - state.live();
    boolean likelyNoneRemoved = lookedAt > 0 && 0 <= beyond && beyond <= held[0];
    if (!likelyNoneRemoved) {
      return lookUp();
    }
    // A plan leaves rows with too large a key out, so that it would not tell of them.
    return StoredForm.canBeTooLarge(keyKinds()) && countTooLarge(shape) > 0
        ? tooLargeKey()
        : some(all, 0, beyond);
  }

  private static DeltaWay tooLargeKey() {
    return new DeltaWay.Full("a row that was written since the base has too large a key");
  }

  private long countTooLarge(ModelShape shape) throws SQLException {
    return values(DeltaSql.LARGE.with("model", shape.query()).with("large", tooLarge()).sql())[0];
  }

  /**
   * Looks the keys up of all rows that are looked at, where {@link #look} has only expected that no
   * key was removed, and a plan does not bear that out.
   */
  public DeltaWay lookUp() throws SQLException {
    Scanned all = scanned;
    if (all == null) {
      throw new IllegalStateException("the table has not been scanned");
    }
    long rows = all.rows.count();
    long added = 0;
    if (all.lookedAt() > 0) {
      long[] unknown =
          values(
              DeltaSql.NEW
                  .with("model", all.shape.query())
                  .with("large", tooLarge())
                  .with("state", all.states)
                  .with("state_key", all.key.plain("fulmar_state"))
                  .with("stored_key", all.key.stored())
                  .sql());
      if (unknown[1] > 0) {
        return tooLargeKey();
      }
      added = unknown[0];
    }
    long removed = all.live + added - rows;
    if (removed < 0) {
      return new DeltaWay.Full(
          "the table has more rows than the state and what was written since the base explain");
    }
    if (all.lookedAt() == 0 && removed == 0) {
      return new DeltaWay.Unchanged(rows);
    }
    if (removed > 0 && removed(all, removed <= MOST_LISTED) != removed) {
      return new DeltaWay.Full(
          "other synced keys have lost their rows than the state and what was written since the base explain");
    }
    return some(all, removed, null);
  }

  private DeltaWay.Some some(Scanned all, long removed, @Nullable Long arrivals) {
    return new DeltaWay.Some(
        all.rows.count(),
        all.shape,
        absent(all, removed),
        all.rows.written(),
        all.held,
        removed,
        arrivals);
  }

  /** The model with the rows that are looked at, whose places are kept. */
  private ModelShape placed(
      DeltaTable found, WrittenRows rows, XidRange since, Identifier holds, DeltaKey key, long held)
      throws SQLException {
    SqlPart scanned = found.scanned();
    SqlPart written = since.counted();
    List<SqlPart> place = List.of(DeltaSql.PLACE);
    String places = rows.places();
    if (places == null) {
      places = places(written(scanned, place, written));
    }
    if (held > 0) {
      places = WrittenRows.joined(places, places(held(scanned, place, written, holds, key)));
    }
    values(DeltaSql.KEEP_PLACES.sql(), places);
    return shape(DeltaSql.ROWS_PLACED.with("columns", columns()).with("table", scanned).sql());
  }

  /** The model with the rows that are looked at, which are looked for each time. */
  private ModelShape sought(
      SqlPart scanned, SqlPart since, Identifier holds, DeltaKey key, long held) {
    List<SqlPart> columns = columns();
    String rows = written(scanned, columns, since);
    return shape(
        held == 0
            ? rows
            : DeltaSql.ROWS_AND_HELD
                .with("rows", QueryText.proven(rows))
                .with("held", QueryText.proven(held(scanned, columns, since, holds, key)))
                .sql());
  }

  private String places(String rows) throws SQLException {
    try (Statement statement = connection.createStatement()) {
      statement.setEscapeProcessing(false);
      try (ResultSet row =
          statement.executeQuery(DeltaSql.PLACES.with("model", QueryText.proven(rows)).sql())) {
        row.next();
        return row.getString(1);
      }
    }
  }

  private List<SqlPart> columns() {
    return List.copyOf(
        Identifier.allTold(
            "fulmar_table",
            terms.shape().columns().stream().map(ModelShape.Column::name).toList()));
  }

  /** The rows that were written since the base. */
  private static String written(SqlPart scanned, List<SqlPart> columns, SqlPart written) {
    return DeltaSql.ROWS
        .with("columns", columns)
        .with("table", scanned)
        .with("written", written)
        .sql();
  }

  /** The rows of held keys that were not. */
  private static String held(
      SqlPart scanned, List<SqlPart> columns, SqlPart written, Identifier holds, DeltaKey key) {
    return DeltaSql.ROWS_HELD
        .with("columns", columns)
        .with("table", scanned)
        .with("written", written)
        .with("holds", holds)
        .with("table_key", key.table())
        .with("hold_key", key.ours("fulmar_hold"))
        .sql();
  }

  /** The model with fewer rows. */
  private ModelShape shape(String query) {
    ModelShape whole = terms.shape();
    return new ModelShape(
        QueryText.proven(query), whole.columns(), whole.keyPositions(), whole.used());
  }

  private List<ModelShape.Column> keyColumns() {
    return terms.shape().keyPositions().stream().map(terms.shape().columns()::get).toList();
  }

  private List<ColumnKind> keyKinds() {
    return keyColumns().stream().map(ModelShape.Column::kind).toList();
  }

  /** Rows of such a key are invalid, which a full diff reports. */
  private SqlPart tooLarge() {
    return StoredForm.isTooLarge(
        keyKinds(),
        Identifier.allTold(
            "fulmar_table", keyColumns().stream().map(ModelShape.Column::name).toList()));
  }

  private long removed(Scanned all, boolean listed) throws SQLException {
    DeltaKey key = all.key;
    SqlTemplate removed =
        listed
            ? DeltaSql.REMOVED_LISTED.with("kept", key.kept()).with("listed", key.listed())
            : DeltaSql.REMOVED;
    return values(
        removed
            .with("state", all.states)
            .with("table", present().scanned())
            .with("table_key", key.table())
            .with("state_key", key.ours("fulmar_state"))
            .sql())[0];
  }

  private SqlPart absent(Scanned all, long removed) {
    DeltaKey key = all.key;
    SqlFragment fragment =
        removed == 0
            ? DeltaSql.ABSENT
            : removed <= MOST_LISTED ? DeltaSql.ABSENT_AND_LISTED : DeltaSql.ABSENT_AND_REMOVED;
    SqlFragment filled =
        fragment
            .with("hold_columns", key.plain("fulmar_hold"))
            .with("holds", all.holds)
            .with("table", present().scanned())
            .with("table_key", key.table())
            .with("hold_key", key.ours("fulmar_hold"));
    if (removed == 0) {
      return filled;
    }
    return removed <= MOST_LISTED
        ? filled
            .with("gone_columns", key.plain("fulmar_gone"))
            .with("values", key.ofTexts())
            .with("texts", key.unlisted())
            .with("names", key.names())
        : filled
            .with("state", all.states)
            .with("state_columns", key.plain("fulmar_state"))
            .with("state_key", key.ours("fulmar_state"));
  }

  /** The numbers in the one row of a statement; a value is bound if one is given. */
  private long[] values(String sql, String... bound) throws SQLException {
    if (bound.length == 0) {
      try (Statement statement = connection.createStatement()) {
        statement.setEscapeProcessing(false);
        try (ResultSet row = statement.executeQuery(sql)) {
          return values(row);
        }
      }
    }
    try (PreparedStatement statement = OneShot.prepare(connection, sql)) {
      for (int i = 0; i < bound.length; i++) {
        statement.setString(i + 1, bound[i]);
      }
      try (ResultSet row = statement.executeQuery()) {
        return values(row);
      }
    }
  }

  private static long[] values(ResultSet row) throws SQLException {
    row.next();
    long[] values = new long[row.getMetaData().getColumnCount()];
    for (int i = 0; i < values.length; i++) {
      values[i] = row.getLong(i + 1);
    }
    return values;
  }
}
