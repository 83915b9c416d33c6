package io.fulmar.internal.plan;

import io.fulmar.Model;
import io.fulmar.ModelPreview;
import io.fulmar.ModelValidation;
import io.fulmar.ModelValidation.Finding;
import io.fulmar.ModelValidation.Severity;
import io.fulmar.Row;
import io.fulmar.SourceException;
import io.fulmar.internal.postgres.SqlStates;
import io.fulmar.internal.row.ImageRow;
import io.fulmar.internal.row.Shape;
import io.fulmar.internal.source.Cancellation;
import io.fulmar.internal.source.UnstableColumns;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** Looks at a model without running a sync. This class is threadsafe. */
public final class ModelLook {
  private final Snapshots snapshots;

  /** Looks at models in these snapshots. */
  public ModelLook(Snapshots snapshots) {
    this.snapshots = snapshots;
  }

  /** See {@link io.fulmar.SyncEngine#preview}. */
  public ModelPreview preview(Model model) {
    ModelPreview first = firstRows(model);
    ModelPreview second = firstRows(model);
    return new ModelPreview(
        first.columns(), first.rows(), UnstableColumns.between(model.key(), first, second));
  }

  /** See {@link io.fulmar.SyncEngine#validate}. */
  public ModelValidation validate(Model model) {
    ModelValidation proven =
        snapshots.validate(model, "fulmar validate", "[model=" + model.name() + "]");
    if (!proven.isUsable()) {
      return proven;
    }
    List<Finding> findings = new ArrayList<>();
    try {
      for (String column : preview(model).unstable()) {
        findings.add(
            new Finding(
                Severity.WARNING,
                "its column \"" + column + "\" is another in each read",
                "Leave it out: with it, every row changes in every run",
                null));
      }
    } catch (SourceException e) {
      findings.add(ofRead(e));
    }
    findings.addAll(proven.findings());
    return new ModelValidation(model.name(), proven.columns(), proven.key(), findings);
  }

  /** What only the rows of a model can show; anything else is thrown again. */
  private static Finding ofRead(SourceException e) {
    boolean writes = SqlStates.isReadOnly(e.sqlState());
    if (!writes && !SqlStates.isOfData(e.sqlState())) {
      throw e;
    }
    return new Finding(
        Severity.ERROR,
        writes
            ? "it writes as soon as its rows are read (sqlstate=25006)"
            : "a value of its first rows could not be computed (sqlstate=" + e.sqlState() + ")",
        writes ? "Make it a plain query" : "Mend the model or the row",
        null);
  }

  private ModelPreview firstRows(Model model) {
    String about = "[model=" + model.name() + "]";
    List<Row> rows = new ArrayList<>();
    try (Snapshot snapshot = snapshots.open(model, "fulmar preview", about, new Cancellation())) {
      Shape rowShape = snapshot.shape().rowShape();
      snapshot.firstRows(
          (buffer, from, to, fields) ->
              rows.add(ImageRow.of(rowShape, Arrays.copyOfRange(buffer, from, to))));
      return new ModelPreview(snapshot.shape().preview(), rows, List.of());
    } catch (IOException e) {
      throw new IllegalStateException("a list does not throw this", e);
    }
  }
}
