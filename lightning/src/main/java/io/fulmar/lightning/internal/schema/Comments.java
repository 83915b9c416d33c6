package io.fulmar.lightning.internal.schema;

import io.fulmar.internal.sql.CommentText;
import io.fulmar.internal.sql.Identifier;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * The comments on our tables: for people, and the mark by which a table is known as ours, with the
 * format that it has. Each statement comments on one table, and whoever makes a table by {@code
 * create table ... as} runs it in the same transaction.
 */
public final class Comments {
  private static final Pattern OURS = Pattern.compile("Fulmar, format ([0-9]{1,9}): .*");

  private Comments() {}

  static CommentText text(int format, String what) {
    return new CommentText("Fulmar, format %s: %s".formatted(format, what));
  }

  /** The format that a comment tells; 0 for a comment that is not ours. */
  static int format(@Nullable String comment) {
    Matcher match = OURS.matcher(comment == null ? "" : comment);
    return match.matches() ? Integer.parseInt(match.group(1)) : 0;
  }

  /**
   * The statement for the state of a sync.
   *
   * @param generation 0 or 1
   * @param sync its name
   */
  public static String onState(SyncTables tables, int generation, String sync) {
    return on(
        tables.state(generation),
        "sync %s: the version of each key that the destination accepted last".formatted(sync));
  }

  /**
   * The statement for the changes of a plan.
   *
   * @param place 0 to {@link SyncTables#PLANS} - 1
   * @param sync its name
   */
  public static String onPlan(SyncTables tables, int place, String sync) {
    return on(
        tables.plan(place),
        "sync %s: the changes of one plan, until they are delivered or dropped".formatted(sync));
  }

  static String onHolds(SyncTables tables, String sync) {
    return on(tables.holds(), holds(sync));
  }

  static String onLedger(SyncTables tables, String sync) {
    return on(tables.ledger(), ledger(sync));
  }

  static String holds(String sync) {
    return "sync %s: changes that were not accepted, and calls that may still act".formatted(sync);
  }

  static String ledger(String sync) {
    return "sync %s: what was handed out by the run that delivers, and the answers".formatted(sync);
  }

  private static String on(Identifier table, String what) {
    return SchemaSql.COMMENT
        .with("table", table)
        .with("comment", text(Provision.FORMAT, what))
        .sql();
  }
}
