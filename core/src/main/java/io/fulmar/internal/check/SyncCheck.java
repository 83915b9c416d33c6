package io.fulmar.internal.check;

import io.fulmar.Action;
import io.fulmar.Mapping;
import io.fulmar.ModelPreview;
import io.fulmar.ModelValidation;
import io.fulmar.Operation;
import io.fulmar.Row;
import io.fulmar.SourceException;
import io.fulmar.Sync;
import io.fulmar.internal.mapping.UsedColumns;
import io.fulmar.internal.postgres.SqlStates;
import io.fulmar.internal.source.ModelShape;
import io.fulmar.internal.source.UnstableColumns;
import io.fulmar.internal.sql.Identifier;
import io.fulmar.spi.CheckContext;
import io.fulmar.spi.CheckSteps;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** The steps of a sync: its model, and what its destination says. Used by one thread. */
final class SyncCheck {
  static final String MODEL = "model";
  static final String FIRST_ROWS = "first rows";

  private final Sync sync;
  private final SourceSteps source;
  private final Section ofModel;
  private final Section ofDestination;
  private @Nullable ModelShape shape;

  SyncCheck(Sync sync, SourceSteps source, Board board) {
    this.sync = sync;
    this.source = source;
    this.ofModel = board.section("", List.of(MODEL, FIRST_ROWS));
    this.ofDestination = board.section("destination ", List.of());
  }

  /** Takes all steps. */
  void look() {
    List<String> needed = source.names();
    ofModel.stepAfter(needed.get(needed.size() - 1), MODEL, this::model);
    ofModel.stepAfter(MODEL, FIRST_ROWS, this::firstRows);
    try {
      sync.destination().check(context(), ofDestination);
    } catch (Exception e) {
      ofDestination.step(
          "check",
          findings -> {
            throw e;
          });
    }
  }

  private void model(CheckSteps.Findings findings) throws SQLException, InterruptedException {
    SourceSteps.Described found = source.describe(sync.model());
    for (ModelValidation.Finding finding : found.validation().findings()) {
      ModelValidation.Position position = finding.position();
      String fact = finding.fact() + (position == null ? "" : " (" + position.text() + ")");
      switch (finding.severity()) {
        case ERROR -> findings.failure(fact, finding.remedy());
        case WARNING -> findings.warning(fact, finding.remedy());
      }
    }
    ModelShape described = found.shape();
    if (described != null) {
      UsedColumns.of(described, sync, source.about());
      shape = described;
      findings.found(
          "%s columns, key %s"
              .formatted(described.columns().size(), String.join(", ", sync.model().key())));
    }
  }

  /** What only rows can show: keys that are invalid, columns that are another in each read. */
  private void firstRows(CheckSteps.Findings findings) throws SQLException, InterruptedException {
    ModelPreview first;
    ModelPreview second;
    try {
      first = source.firstRows(sync.model());
      second = source.firstRows(sync.model());
    } catch (SourceException e) {
      if (SqlStates.isStatementEnded(e.sqlState())) {
        findings.found("not looked at: the model takes too long for a check");
        return;
      }
      throw e;
    }
    findings.found("%s read".formatted(first.rows().size()));
    for (String column : UnstableColumns.between(sync.model().key(), first, second)) {
      findings.warning(
          "the column %s is another in each read".formatted(Identifier.of(column)),
          "Leave it out of the model: with it, every row changes in every run");
    }
    Set<List<String>> keys = new HashSet<>();
    int invalid = 0;
    for (Row row : first.rows()) {
      List<@Nullable String> key = new ArrayList<>();
      sync.model().key().forEach(column -> key.add(row.text(column)));
      if (key.contains(null) || !keys.add(key.stream().map(String::valueOf).toList())) {
        invalid++;
      }
    }
    if (invalid > 0) {
      findings.warning(
          "%s of them have a NULL in the key, or the key of another row, and would not be sent"
              .formatted(invalid),
          "Let the model return each key once and no NULL in it");
    }
  }

  private CheckContext context() {
    Set<Action> actions = EnumSet.noneOf(Action.class);
    for (Operation operation : Operation.values()) {
      Action action = sync.action(operation);
      if (action != null) {
        actions.add(action);
      }
    }
    Map<String, String> types = new LinkedHashMap<>();
    Map<String, String> newNames = new LinkedHashMap<>();
    ModelShape described = shape;
    if (described != null) {
      described.columns().forEach(column -> types.put(column.name(), column.type()));
    }
    Mapping mapping = sync.mapping();
    List<CheckContext.Column> columns;
    if (mapping == null || described == null) {
      columns =
          types.entrySet().stream()
              .map(column -> new CheckContext.Column(column.getKey(), column.getValue()))
              .toList();
    } else {
      columns =
          mapping.columns().stream()
              .map(
                  column ->
                      new CheckContext.Column(
                          column.name(),
                          column instanceof Mapping.Chosen chosen
                              ? types.get(chosen.column())
                              : null))
              .toList();
    }
    if (mapping != null) {
      mapping.columns().stream()
          .filter(Mapping.Chosen.class::isInstance)
          .map(Mapping.Chosen.class::cast)
          .forEach(chosen -> newNames.putIfAbsent(chosen.column(), chosen.name()));
    }
    List<String> key =
        sync.model().key().stream().map(column -> newNames.getOrDefault(column, column)).toList();
    return new CheckContext(sync.name(), actions, key, columns);
  }
}
