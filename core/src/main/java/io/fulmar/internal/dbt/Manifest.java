package io.fulmar.internal.dbt;

import io.fulmar.ConfigurationException;
import io.fulmar.ModelTable;
import io.fulmar.internal.json.RowJson;
import io.fulmar.internal.mapping.EditDistance;
import java.io.BufferedInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** One model of a dbt project, out of its manifest. Used once. */
public final class Manifest {
  private static final Pattern SCHEMA_VERSION = Pattern.compile(".*/manifest/v(\\d{1,4})\\.json");
  private static final int OLDEST = 6;
  private static final int NEWEST = 12;

  /** That of dbt Fusion, which has the form of 12. */
  private static final int FUSION = 20;

  private static final int MOST_NEAR = 3;
  private static final int NEAR = 3;
  private static final int MOST_MATCHES = 50;

  private final Path file;
  private final String wanted;
  private final List<DbtNode> matches = new ArrayList<>();

  /** Names that are as far away, by their distance. */
  private final TreeMap<Integer, List<String>> near = new TreeMap<>();

  private @Nullable String schemaVersion;

  private Manifest(Path file, String wanted) {
    this.file = file;
    this.wanted = wanted;
  }

  /**
   * The table, view or the like that dbt made of a model, and the name of the model.
   *
   * @param file the manifest
   * @param nameOrUniqueId which model
   * @throws ConfigurationException if the manifest cannot be read, or there is no such relation
   */
  public static Map.Entry<String, ModelTable> relation(Path file, String nameOrUniqueId) {
    Manifest manifest = new Manifest(file, nameOrUniqueId);
    DbtNode node = manifest.find();
    return Map.entry(modelName(node), manifest.relation(node));
  }

  /**
   * The SQL that dbt compiled a model to, and the name of the model.
   *
   * @param file the manifest
   * @param nameOrUniqueId which model
   * @throws ConfigurationException if the manifest cannot be read, or there is no SQL
   */
  public static Map.Entry<String, String> compiled(Path file, String nameOrUniqueId) {
    Manifest manifest = new Manifest(file, nameOrUniqueId);
    DbtNode node = manifest.find();
    return Map.entry(modelName(node), manifest.compiled(node));
  }

  /** {@code customers}, or {@code customers.v2}: what the unique id has behind the package. */
  private static String modelName(DbtNode node) {
    String[] parts = node.uniqueId().split("\\.", 3);
    return parts[parts.length - 1];
  }

  private DbtNode find() {
    RowJson.requireJackson("a model of a dbt manifest");
    try (InputStream in = new BufferedInputStream(Files.newInputStream(file))) {
      ManifestReader.read(in, version -> schemaVersion = version, this::take);
    } catch (NoSuchFileException e) {
      throw refused(
          "it does not exist", "Let dbt compile or run the project, and look at the path");
    } catch (IOException e) {
      // The parser quotes what it stumbles over.
      throw refused(
          "it cannot be read as JSON (" + e.getClass().getSimpleName() + ")",
          "Let dbt write it anew");
    }
    checkVersion();
    return chosen();
  }

  private void checkVersion() {
    Matcher version = SCHEMA_VERSION.matcher(schemaVersion == null ? "" : schemaVersion);
    if (!version.matches()) {
      throw refused(
          "it does not say which version of dbt's schema it has, so it is no manifest",
          "Give target/manifest.json of a dbt project");
    }
    int number = Integer.parseInt(version.group(1));
    if ((number < OLDEST || number > NEWEST) && number != FUSION) {
      throw refused(
          "its version is %s, and known are %s to %s".formatted(number, OLDEST, NEWEST),
          "Let dbt 1.2 or later write it, or name the table by Model.table");
    }
  }

  private void take(DbtNode node) {
    boolean named = node.isRelation() && wanted.equals(node.name());
    if (named || wanted.equals(node.uniqueId())) {
      if (matches.size() < MOST_MATCHES) {
        matches.add(node);
      }
    } else if (node.isRelation() && node.name() != null) {
      remember(wanted.startsWith(node.resourceType() + ".") ? node.uniqueId() : node.name());
    }
  }

  private void remember(String name) {
    // What differs in length alone by more is not worth the work.
    if (Math.abs(name.length() - wanted.length()) > NEAR) {
      return;
    }
    int distance = EditDistance.between(wanted, name);
    if (distance <= NEAR) {
      List<String> names = near.computeIfAbsent(distance, d -> new ArrayList<>());
      if (names.size() < MOST_NEAR && !names.contains(name)) {
        names.add(name);
      }
    }
  }

  private DbtNode chosen() {
    List<DbtNode> enabled = matches.stream().filter(node -> !node.disabled()).toList();
    List<DbtNode> exact = enabled.stream().filter(node -> wanted.equals(node.uniqueId())).toList();
    List<DbtNode> candidates =
        exact.isEmpty() ? enabled.stream().filter(DbtNode::isLatest).toList() : exact;
    if (candidates.size() == 1) {
      return candidates.get(0);
    }
    if (candidates.size() > 1 || !enabled.isEmpty()) {
      throw refused(
          "%s is the name of several models".formatted(wanted),
          "Name one by its unique id: " + ids(candidates.isEmpty() ? enabled : candidates));
    }
    if (!matches.isEmpty()) {
      throw refused(
          ids(matches) + " is disabled, so dbt makes no relation of it",
          "Enable it and let dbt run, or name another");
    }
    String nearest =
        near.isEmpty() ? "" : ". Nearest is " + String.join(", ", near.firstEntry().getValue());
    throw refused(
        "it has no model, seed or snapshot " + wanted,
        "Look at its name, or give its unique id" + nearest);
  }

  private static String ids(List<DbtNode> nodes) {
    return nodes.stream()
        .map(DbtNode::uniqueId)
        .distinct()
        .sorted(Comparator.naturalOrder())
        .collect(Collectors.joining(", "));
  }

  private ModelTable relation(DbtNode node) {
    refuseUnlessRelation(node);
    if ("ephemeral".equals(node.materialized())) {
      throw refused(
          node.uniqueId() + " is ephemeral, so dbt makes no relation of it",
          "Materialize it as a view, or take its SQL by Model.dbtQuery");
    }
    List<String> parts =
        node.relationName() == null ? null : RelationName.parts(node.relationName());
    try {
      if (parts != null) {
        int last = parts.size() - 1;
        String database = last == 2 ? parts.get(0) : null;
        return new ModelTable(database, parts.get(last - 1), parts.get(last), List.of(), null);
      }
      if (node.schema() != null && node.alias() != null) {
        return new ModelTable(node.database(), node.schema(), node.alias(), List.of(), null);
      }
    } catch (IllegalArgumentException e) {
      throw refused(
          "the relation of %s cannot be one of PostgreSQL (%s)"
              .formatted(node.uniqueId(), e.getMessage()),
          "Give the manifest of a project on PostgreSQL");
    }
    throw refused(node.uniqueId() + " has no relation", "Let dbt compile or run the project");
  }

  private String compiled(DbtNode node) {
    refuseUnlessRelation(node);
    if ("seed".equals(node.resourceType())) {
      throw refused(
          node.uniqueId() + " is a seed, which has no SQL", "Take its table by Model.dbt");
    }
    if ("python".equals(node.language())) {
      throw refused(
          node.uniqueId() + " is written in Python, so it has no SQL",
          "Take its table by Model.dbt");
    }
    if (node.compiled() == null || node.compiled().isBlank()) {
      throw refused(
          node.uniqueId() + " is not compiled",
          "Let dbt compile the project, which parsing does not");
    }
    return node.compiled();
  }

  private void refuseUnlessRelation(DbtNode node) {
    if (!node.isRelation()) {
      throw refused(
          "%s is a %s, from which no rows come".formatted(node.uniqueId(), node.resourceType()),
          "Name a model, a seed or a snapshot");
    }
  }

  private ConfigurationException refused(String fact, String remedy) {
    return new ConfigurationException(
        "Cannot read the dbt model %s from %s: %s. %s. [model=%s]"
            .formatted(wanted, file, fact, remedy, wanted));
  }
}
