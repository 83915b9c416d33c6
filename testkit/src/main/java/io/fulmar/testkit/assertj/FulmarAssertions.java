package io.fulmar.testkit.assertj;

import io.fulmar.ChangeSet;
import io.fulmar.SyncReport;
import io.fulmar.SyncStatus;
import io.fulmar.testkit.RecordingDestination;
import org.jspecify.annotations.Nullable;

/**
 * Assertions about runs, whose messages say what happened instead, and what is likely to help.
 *
 * <pre>{@code
 * import static io.fulmar.testkit.assertj.FulmarAssertions.assertThat;
 *
 * assertThat(engine.run(sync)).succeeded().added(3).changed(0).removed(1).hasNoHolds();
 * assertThat(engine.plan(sync)).isHeldBy("would be removed");
 * assertThat(crm).holdsKeys(1, 2, 3).keptPromises().playedScript();
 * }</pre>
 *
 * <p>Messages about reports, plans and states hold counts, codes and what guards say, and no values
 * of rows; nor do they repeat what a destination wrote into its messages, which may quote some.
 * Messages about a {@link RecordingDestination} show keys and rows: they are the test's own.
 */
public final class FulmarAssertions {
  private FulmarAssertions() {}

  /** Begins with what a run did. */
  public static SyncReportAssert assertThat(@Nullable SyncReport actual) {
    return new SyncReportAssert(actual);
  }

  /** Begins with what is planned. */
  public static ChangeSetAssert assertThat(@Nullable ChangeSet actual) {
    return new ChangeSetAssert(actual);
  }

  /** Begins with where a sync stands. */
  public static SyncStatusAssert assertThat(@Nullable SyncStatus actual) {
    return new SyncStatusAssert(actual);
  }

  /** Begins with what a destination got. */
  public static RecordingDestinationAssert assertThat(@Nullable RecordingDestination actual) {
    return new RecordingDestinationAssert(actual);
  }
}
