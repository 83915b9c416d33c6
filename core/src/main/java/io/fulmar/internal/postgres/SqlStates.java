package io.fulmar.internal.postgres;

import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * What PostgreSQL's error codes (manual, appendix A) mean for a run: the one place that reads them.
 */
public final class SqlStates {
  private static final Set<String> MAY_PASS =
      Set.of(
          "08000", "08003", "08006", "08007", "57P01", "57P02", "57P03", "40001", "40P01", "53300",
          "0A000");

  private SqlStates() {}

  /**
   * Whether the same read may succeed if it is started again: a lost connection, a server that
   * restarts, a conflict with recovery on a standby.
   */
  public static boolean mayPass(@Nullable String sqlState) {
    return sqlState != null && MAY_PASS.contains(sqlState);
  }
}
