package io.fulmar.internal.mapping;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.fulmar.Change;
import io.fulmar.ConfigurationException;
import io.fulmar.Mapping;
import io.fulmar.Model;
import io.fulmar.Operation;
import io.fulmar.Row;
import io.fulmar.Sync;
import io.fulmar.internal.source.ModelShape;
import io.fulmar.internal.sql.QueryText;
import io.fulmar.internal.store.Hold;
import io.fulmar.internal.store.PlannedChange;
import io.fulmar.internal.type.ColumnKind;
import io.fulmar.spi.Delivery;
import io.fulmar.spi.Destination;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

/** What becomes of the rows of a model with the columns id (the key), first, last and email. */
class RowMapperTest {
  private static final Instant AT = Instant.parse("2026-01-15T10:00:00.123456789Z");
  private static final Map<String, @Nullable Object> ADA = row(7L, "Ada", "Lovelace", null);

  private static Map<String, @Nullable Object> row(
      long id, String first, String last, @Nullable String email) {
    Map<String, @Nullable Object> row = new LinkedHashMap<>();
    row.put("id", id);
    row.put("first", first);
    row.put("last", last);
    row.put("email", email);
    return row;
  }

  /** A row out of a map; the text of a value is in angle brackets, to tell who made it. */
  private record MapRow(Map<String, @Nullable Object> map) implements Row {
    @Override
    public List<String> columns() {
      return List.copyOf(map.keySet());
    }

    @Override
    public @Nullable Object value(String column) {
      return map.get(column);
    }

    @Override
    public @Nullable String text(String column) {
      Object value = map.get(column);
      return value == null ? null : "<" + value + ">";
    }
  }

  private static Sync sync(@Nullable Mapping mapping, String... remembered) {
    Sync.Builder sync =
        Sync.builder("crm")
            .model(Model.query("customers", "select 1").key("id"))
            .to(Destination.of("crm", batch -> Delivery.allAccepted()));
    if (mapping != null) {
      sync.mapping(mapping);
    }
    Stream.of(remembered).forEach(sync::remember);
    return sync.build();
  }

  private static PlannedChange planned(
      Operation operation, Map<String, @Nullable Object> row, @Nullable Row previous) {
    Row key = new MapRow(Map.of("id", 7L));
    Change change = new Change(operation, key, new MapRow(row), "c1", 42, 3, previous);
    return new PlannedChange(5, change, 123, null, 99);
  }

  private static PlannedChange map(Mapping mapping, PlannedChange planned) {
    return new RowMapper(sync(mapping), 41, AT).map(List.of(planned)).get(0);
  }

  private record Contact(String Id, @Nullable String mail, Long run, OffsetDateTime at) {}

  @Test
  void rowHasTheColumnsOfTheMapping() {
    Mapping mapping =
        Mapping.builder()
            .compute("Id", 1, List.of("id", "last"), r -> r.text("last") + r.value("id"))
            .column("email", "mail")
            .column("first")
            .column("first", "again")
            .constant("source", "shop")
            .constant("nothing", null)
            .constant("bytes", new byte[] {1, 15})
            .runNumber("run")
            .syncedAt("at")
            .build();

    PlannedChange mapped = map(mapping, planned(Operation.ADDED, ADA, null));

    Row row = mapped.change().row();
    Map<String, @Nullable Object> expected = new LinkedHashMap<>();
    expected.put("Id", "<Lovelace>7");
    expected.put("mail", null);
    expected.put("first", "Ada");
    expected.put("again", "Ada");
    expected.put("source", "shop");
    expected.put("nothing", null);
    expected.put("bytes", new byte[] {1, 15});
    expected.put("run", 41L);
    expected.put("at", OffsetDateTime.parse("2026-01-15T10:00:00.123456Z"));
    assertThat(row.columns()).containsExactlyElementsOf(expected.keySet());
    assertThat(row.asMap()).usingRecursiveComparison().isEqualTo(expected);
    List<@Nullable String> texts = new ArrayList<>();
    row.columns().forEach(column -> texts.add(row.text(column)));
    assertThat(texts)
        .containsExactly(
            "<Lovelace>7",
            null,
            "<Ada>",
            "<Ada>",
            "shop",
            null,
            "\\x010f",
            "41",
            "2026-01-15 10:00:00.123456+00");
    assertThat(row.as(Contact.class))
        .isEqualTo(
            new Contact(
                "<Lovelace>7", null, 41L, OffsetDateTime.parse("2026-01-15T10:00:00.123456Z")));
    assertThat(row).hasToString("Row[Id, mail, first, again, source, nothing, bytes, run, at]");
    assertThatThrownBy(() -> row.value("email"))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage(
            "there is no column email; there are [Id, mail, first, again, source, nothing, bytes, run, at]");
    ((byte[]) row.value("bytes"))[0] = 9;
    assertThat((byte[]) row.value("bytes")).containsExactly(1, 15);
  }

  @Test
  void everythingElseOfAChangeStays() {
    PlannedChange before = planned(Operation.CHANGED, ADA, null);
    PlannedChange mapped = map(Mapping.builder().column("email").build(), before);

    assertThat(mapped.position()).isEqualTo(5);
    assertThat(mapped.bytes()).isEqualTo(123);
    assertThat(mapped.until()).isEqualTo(99);
    assertThat(mapped.change())
        .usingRecursiveComparison()
        .ignoringFields("key", "row")
        .isEqualTo(before.change());
    assertThat(mapped.change().key().asMap()).isEqualTo(Map.of("id", 7L));
    assertThat(mapped.change().row().columns()).containsExactly("email");
  }

  @Test
  void keyAndRememberedColumnsHaveTheirNewNames() {
    Mapping mapping =
        Mapping.builder()
            .column("id", "Id")
            .column("id", "copy")
            .column("email", "mail")
            .compute("name", 1, List.of("first"), row -> row.value("first"))
            .build();
    Row previous = new MapRow(Map.of("email", "old"));

    Change changed = map(mapping, planned(Operation.CHANGED, ADA, previous)).change();
    assertThat(changed.key().asMap()).isEqualTo(Map.of("Id", 7L));
    assertThat(changed.key().text("Id")).isEqualTo("<7>");
    assertThat(changed.previous()).isNotNull();
    assertThat(changed.previous().asMap()).isEqualTo(Map.of("mail", "old"));

    Map<String, @Nullable Object> left = new LinkedHashMap<>();
    left.put("id", 7L);
    left.put("email", "old");
    left.put("last", "Lovelace");
    Change removed = map(mapping, planned(Operation.REMOVED, left, null)).change();
    assertThat(removed.row().columns()).containsExactly("Id", "mail", "last");
    assertThat(removed.row().value("mail")).isEqualTo("old");
    assertThat(removed.previous()).isNull();
  }

  @Test
  void functionSeesItsInputsAlone() {
    Mapping mapping =
        Mapping.builder()
            .compute("seen", 1, List.of("last", "id"), row -> row.columns().toString())
            .build();
    assertThat(map(mapping, planned(Operation.ADDED, ADA, null)).change().row().value("seen"))
        .isEqualTo("[last, id]");
    Mapping more =
        Mapping.builder().compute("seen", 1, List.of("last"), row -> row.value("first")).build();
    Hold.Reason reason = map(more, planned(Operation.ADDED, ADA, null)).undeliverable();
    assertThat(reason)
        .isEqualTo(
            new Hold.Reason(
                "FULMAR_COMPUTE_FAILED",
                "the column seen could not be computed: java.lang.IllegalArgumentException"));
  }

  @Test
  void interruptIsKept() {
    Mapping mapping =
        Mapping.builder()
            .compute(
                "a",
                1,
                List.of(),
                row -> {
                  throw new InterruptedException();
                })
            .build();
    assertThat(map(mapping, planned(Operation.ADDED, ADA, null)).undeliverable()).isNotNull();
    assertThat(Thread.interrupted()).isTrue();
  }

  @Test
  void rowThatCannotBeHandedOutIsLeftAsItIs() {
    PlannedChange oversize =
        new PlannedChange(
            0, planned(Operation.ADDED, ADA, null).change(), 1, Hold.Reason.rowTooLarge(1_000), 0);
    Mapping mapping =
        Mapping.builder()
            .compute(
                "a",
                1,
                List.of("id"),
                row -> {
                  throw new AssertionError("its values are not there");
                })
            .build();
    assertThat(map(mapping, oversize)).isSameAs(oversize);
    List<PlannedChange> changes = List.of(planned(Operation.ADDED, ADA, null));
    assertThat(new RowMapper(sync(null), 41, AT).map(changes)).isSameAs(changes);
  }

  // ------------------------------------------------------------------------------------- signature

  private static Mapping.Builder base() {
    return Mapping.builder()
        .column("id")
        .constant("source", "shop")
        .compute("name", 1, List.of("first", "last"), row -> row.value("first"));
  }

  private static String signature(Mapping.Builder mapping) {
    return MappingSignature.of(mapping.build());
  }

  @Test
  void whatIsNotComparedIsNotInTheSignature() {
    String signature = signature(base());
    assertThat(signature(base().runNumber("run").syncedAt("at"))).isEqualTo(signature);
    assertThat(
            signature(
                Mapping.builder()
                    .compute("name", 1, List.of("last", "first"), row -> null)
                    .column("id")
                    .constant("source", "shop")))
        .as("another order, another function of the same version")
        .isEqualTo(signature);
    assertThat(MappingSignature.of(null)).isEmpty();
    assertThat(signature).doesNotContain("shop");
  }

  @Test
  void everyOtherChangeIsInTheSignature() {
    List<Mapping.Builder> others =
        List.of(
            base().column("email"),
            base().column("id", "again"),
            base().constant("more", null),
            Mapping.builder().column("id").constant("source", "shop"),
            Mapping.builder()
                .column("id", "Id")
                .constant("source", "shop")
                .compute("name", 1, List.of("first", "last"), row -> null),
            Mapping.builder()
                .column("id")
                .constant("source", "web")
                .compute("name", 1, List.of("first", "last"), row -> null),
            Mapping.builder()
                .column("id")
                .constant("source", "shop")
                .compute("name", 2, List.of("first", "last"), row -> null),
            Mapping.builder()
                .column("id")
                .constant("source", "shop")
                .compute("name", 1, List.of("first"), row -> null));
    List<String> signatures = new ArrayList<>(List.of(signature(base()), ""));
    others.forEach(other -> signatures.add(signature(other)));
    assertThat(signatures).doesNotHaveDuplicates();
    assertThat(signature(Mapping.builder().constant("a", 1)))
        .as("of another type")
        .isNotEqualTo(signature(Mapping.builder().constant("a", "1")));
  }

  // ------------------------------------------------------------------------------------------ used

  private static ModelShape shape() {
    return new ModelShape(
        QueryText.proven("select 1"),
        Stream.of("id", "first", "last", "email")
            .map(name -> new ModelShape.Column(name, "text", ColumnKind.TEXT, true, ""))
            .toList(),
        List.of(0));
  }

  private static List<String> used(Sync sync) {
    return UsedColumns.of(shape(), sync, "[sync=crm run=1]").rowShape().names();
  }

  @Test
  @DisplayName("P9: what a sync uses are its key, what it chooses, takes as input and remembers")
  void usedColumns() {
    Mapping mapping =
        Mapping.builder()
            .column("last", "x")
            .compute("y", 1, List.of("last"), row -> null)
            .syncedAt("email")
            .build();
    assertThat(used(sync(null))).containsExactly("id", "first", "last", "email");
    assertThat(used(sync(null, "email"))).containsExactly("id", "first", "last", "email");
    assertThat(used(sync(mapping))).containsExactly("id", "last");
    assertThat(used(sync(mapping, "first"))).containsExactly("id", "first", "last");
  }

  @Test
  void columnThatTheModelDoesNotHaveIsRefused() {
    Mapping mapping = Mapping.builder().column("emial").build();
    assertThatThrownBy(() -> used(sync(mapping)))
        .isInstanceOf(ConfigurationException.class)
        .hasMessage(
            "Cannot run crm: its mapping uses the column \"emial\", which the model customers does not return. Nearest is \"email\"; it returns id, first, last, email. [sync=crm run=1]");
    assertThatThrownBy(() -> used(sync(null, "telephone")))
        .isInstanceOf(ConfigurationException.class)
        .hasMessage(
            "Cannot run crm: it remembers the column \"telephone\", which the model customers does not return. It returns id, first, last, email. [sync=crm run=1]");
  }
}
