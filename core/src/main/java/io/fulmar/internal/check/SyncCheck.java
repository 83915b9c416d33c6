package io.fulmar.internal.check;

import io.fulmar.Action;
import io.fulmar.Mapping;
import io.fulmar.Operation;
import io.fulmar.Sync;
import io.fulmar.internal.mapping.UsedColumns;
import io.fulmar.internal.source.Describer;
import io.fulmar.internal.source.ModelShape;
import io.fulmar.internal.source.SourceSession;
import io.fulmar.spi.CheckContext;
import io.fulmar.spi.CheckSteps;
import java.sql.SQLException;
import java.util.EnumSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** The steps of a sync: its model, and what its destination says. Used by one thread. */
final class SyncCheck {
  static final String MODEL = "model";

  private final Sync sync;
  private final SourceCheck source;
  private final Section ofModel;
  private final Section ofDestination;
  private @Nullable ModelShape shape;

  SyncCheck(Sync sync, SourceCheck source, Board board) {
    this.sync = sync;
    this.source = source;
    this.ofModel = board.section("", List.of(MODEL));
    this.ofDestination = board.section("destination ", List.of());
  }

  /** Takes all steps. */
  void look() {
    ofModel.stepAfter(SourceCheck.CREDENTIALS, MODEL, this::model);
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
    try (SourceSession session = source.session()) {
      session.server();
      ModelShape described = Describer.describe(session, sync.model());
      UsedColumns.of(described, sync, source.about());
      shape = described;
      findings.found(
          "%d columns, key %s"
              .formatted(described.columns().size(), String.join(", ", sync.model().key())));
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
