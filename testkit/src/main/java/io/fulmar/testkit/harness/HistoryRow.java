package io.fulmar.testkit.harness;

import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * A row of the source of a {@link HistorySubject}.
 *
 * @param key its key; null for a row that has none
 * @param content what else it holds
 */
public record HistoryRow(@Nullable String key, String content) {
  /** Checks that there is a content. */
  public HistoryRow {
    Objects.requireNonNull(content, "content");
  }
}
