package io.fulmar.testkit.internal.memory;

import io.fulmar.Model;
import io.fulmar.ModelPreview;
import io.fulmar.ModelValidation;
import io.fulmar.Sync;
import io.fulmar.internal.check.SourceSteps;
import io.fulmar.internal.plan.ModelLook;
import io.fulmar.internal.plan.Snapshot;
import io.fulmar.internal.source.Cancellation;
import io.fulmar.internal.source.ModelShape;
import io.fulmar.spi.CheckSteps;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** One check of a source in memory. Used by one thread. */
public final class MemorySteps implements SourceSteps {
  private static final String APPLICATION = "fulmar check";
  private static final String ROWS = "rows in memory";

  private final MemorySnapshots snapshots;
  private final String about;

  /**
   * A check.
   *
   * @param snapshots what is looked at
   * @param sync for which; null for none
   */
  public MemorySteps(MemorySnapshots snapshots, @Nullable Sync sync) {
    this.snapshots = snapshots;
    this.about = sync == null ? "" : "[sync=" + sync.name() + "]";
  }

  @Override
  public List<String> names() {
    return List.of(ROWS);
  }

  @Override
  public void look(CheckSteps steps) {
    steps.step(
        ROWS,
        findings -> {
          List<String> models = snapshots.database().names();
          if (!snapshots.database().isReachable()) {
            findings.failure(
                "the test has made the source unreachable", "Call InMemorySource.reachable()");
          } else if (models.isEmpty()) {
            findings.warning("there are no models", "Give it some by InMemorySource.model(name)");
          } else {
            findings.found("the models " + String.join(", ", models));
          }
        });
  }

  @Override
  public String about() {
    return about;
  }

  @Override
  public Described describe(Model model) {
    ModelValidation validation = snapshots.validate(model, APPLICATION, about);
    return new Described(validation, validation.isUsable() ? shape(model) : null);
  }

  private ModelShape shape(Model model) {
    try (Snapshot snapshot = snapshots.open(model, APPLICATION, about, new Cancellation())) {
      return snapshot.shape();
    }
  }

  @Override
  public ModelPreview firstRows(Model model) {
    return new ModelLook(snapshots).preview(model);
  }

  @Override
  public void cut() {}

  @Override
  public void close() {}
}
