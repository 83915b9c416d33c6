package io.fulmar.lightning.internal.fold;

import io.fulmar.internal.plan.Remembered;
import io.fulmar.internal.sql.ColumnExpression;
import io.fulmar.internal.sql.Identifier;
import io.fulmar.internal.sql.SqlFragment;
import io.fulmar.internal.sql.SqlPart;
import io.fulmar.internal.sql.SqlTemplate;
import io.fulmar.internal.store.Rules;
import io.fulmar.lightning.internal.plan.PlanHead;
import io.fulmar.lightning.internal.schema.SyncTables;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;

/** What the tokens of the statements of a fold take. Immutable but for {@link #state}. */
final class FoldParts {
  private final SyncTables tables;
  private final PlanHead.Columns columns;
  private final Map<String, List<? extends SqlPart>> parts = new HashMap<>();

  FoldParts(SyncTables tables, PlanHead head, OutcomeParts outcomes, long now) {
    this.tables = tables;
    this.columns = head.columns();
    if (head.place() != PlanHead.NO_TABLE) {
      put("plan", head.rows(tables));
      put("plan_table", tables.plan(head.place()));
    }
    put("holds", tables.holds());
    parts.put("key", columns.stored().columns());
    parts.put("a_key", columns.stored().columns("a"));
    parts.put("h_key", columns.stored().columns("h"));
    parts.put("p_key", columns.stored().columns("p"));
    put("accepted", outcomes.accepted());
    put("exceptions", outcomes.exceptions());
    put("late", outcomes.late());
    put("now", ColumnExpression.number(now));
    parts.put("columns", written());
    parts.put("values", values());
  }

  private void put(String token, SqlPart part) {
    parts.put(token, List.of(part));
  }

  /** From here on the state is this one. */
  void state(int generation) {
    put("state", tables.state(generation));
  }

  /** The statement, with what its tokens take here. */
  String of(SqlTemplate template) {
    return template.sql(parts);
  }

  /** The statement, with a token that only it has. */
  String of(SqlTemplate template, String token, SqlPart part) {
    return of(template, Map.of(token, List.of(part)));
  }

  private String of(SqlTemplate template, Map<String, List<? extends SqlPart>> others) {
    Map<String, List<? extends SqlPart>> all = new HashMap<>(parts);
    all.putAll(others);
    return template.sql(all);
  }

  /** The statement that makes the first state. */
  String first(int next) {
    return of(FoldSql.FIRST, "next", tables.state(next));
  }

  /** The statement that makes the next state out of this one. */
  String rebuild(int next, boolean keepsValues, int effects) {
    return of(
        FoldSql.REBUILD,
        Map.of(
            "next", List.of(tables.state(next)),
            "effects", List.of(ColumnExpression.number(effects)),
            "sources", sources(),
            "merged", merged(keepsValues)));
  }

  /** The statement that holds a state to its rules. */
  String finish(int next) {
    List<SqlPart> notNull = new ArrayList<>();
    notNull.add(FoldSql.NOT_NULL.with("column", Identifier.of("hash")));
    if (!columns.remembered().isEmpty()) {
      notNull.add(FoldSql.NOT_NULL.with("column", Identifier.of("valued")));
    }
    return of(FoldSql.FINISH, Map.of("next", List.of(tables.state(next)), "not_null", notNull));
  }

  /** The statement that takes in what was not accepted. */
  String settle(Rules rules) {
    return of(
        HoldSql.SETTLE,
        Map.of(
            "attempts", List.of(ColumnExpression.number(rules.quarantineAttempts())),
            "age", List.of(ColumnExpression.number(rules.quarantineAge().toMillis()))));
  }

  /** Which holds go with the acceptance of their key. */
  SqlPart byAcceptance() {
    return HoldSql.BY_ACCEPTANCE.with("accepted", parts.getOrDefault("accepted", List.of()));
  }

  private List<Identifier> remembered(String before, String letter) {
    Remembered remembered = columns.remembered();
    return IntStream.range(0, remembered.fields().size())
        .mapToObj(i -> letter.equals("r") ? i : remembered.fields().get(i))
        .map(i -> before.isEmpty() ? Identifier.of(letter + i) : Identifier.of(before, letter + i))
        .toList();
  }

  /** The columns of a state beside its key. */
  private List<Identifier> written() {
    List<Identifier> written = new ArrayList<>(Identifier.all(List.of("hash", "gone_since")));
    if (!columns.remembered().isEmpty()) {
      written.addAll(remembered("", "r"));
      written.add(Identifier.of("valued"));
    }
    return written;
  }

  /** What they take of a change that is accepted. */
  private List<SqlPart> values() {
    List<SqlPart> values = new ArrayList<>(List.of(Identifier.of("p", "hash"), FoldSql.LIVE));
    if (!columns.remembered().isEmpty()) {
      values.addAll(remembered("p", "f"));
      values.add(FoldSql.VALUED);
    }
    return values;
  }

  /** What is needed of the plan for it. */
  private List<Identifier> sources() {
    List<Identifier> sources = new ArrayList<>(List.of(Identifier.of("p", "hash")));
    if (!columns.remembered().isEmpty()) {
      sources.add(Identifier.of("p", "oversize"));
      sources.addAll(remembered("p", "f"));
    }
    return sources;
  }

  /** What they take in a state that is made anew. */
  private List<SqlPart> merged(boolean keepsValues) {
    List<SqlPart> merged = new ArrayList<>();
    merged.add(merged(Identifier.of("p", "hash"), Identifier.of("a", "hash")));
    merged.add(FoldSql.MERGED_GONE.with("now", parts.getOrDefault("now", List.of())));
    List<Identifier> taken = remembered("p", "f");
    List<Identifier> before = remembered("a", "r");
    for (int i = 0; i < taken.size(); i++) {
      merged.add(
          keepsValues
              ? merged(taken.get(i), before.get(i))
              : FoldSql.TAKEN.with("taken", taken.get(i)));
    }
    if (!taken.isEmpty()) {
      merged.add(
          keepsValues
              ? merged(FoldSql.VALUED, Identifier.of("a", "valued"))
              : FoldSql.TAKEN_VALUED);
    }
    return merged;
  }

  private static SqlFragment merged(SqlPart taken, SqlPart before) {
    return FoldSql.MERGED.with("taken", taken).with("before", before);
  }
}
