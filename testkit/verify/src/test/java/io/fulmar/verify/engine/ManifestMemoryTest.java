package io.fulmar.verify.engine;

import static org.assertj.core.api.Assertions.assertThat;

import io.fulmar.Model;
import io.fulmar.verify.fault.ForkedJvm;
import java.io.BufferedWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A manifest of 60 MB and 6,000 models, read by a JVM whose heap holds a third of it. */
@DisplayName("P5: the size of a manifest of dbt does not matter")
class ManifestMemoryTest {
  @TempDir Path folder;

  /** What the other JVM runs: prints the table of a model, in the middle of the manifest. */
  public static void main(String[] arguments) {
    System.out.print(Model.dbt(Path.of(arguments[0]), "m3000").key("id").table());
  }

  @Test
  void largeManifestIsReadInLittleMemory() throws Exception {
    Path manifest = folder.resolve("manifest.json");
    String sql = "select 1 as id -- " + "x".repeat(5_000);
    try (BufferedWriter out = Files.newBufferedWriter(manifest)) {
      out.write("{\"nodes\": {");
      for (int i = 0; i < 6_000; i++) {
        out.write(
            """
            %1$s"model.shop.m%2$d": {"name": "m%2$d", "resource_type": "model", "raw_code": "%3$s",
              "unique_id": "model.shop.m%2$d", "relation_name": "\\"shop\\".\\"app\\".\\"m%2$d\\"",
              "compiled_code": "%3$s", "config": {"materialized": "table"}}
            """
                .formatted(i == 0 ? "" : ",", i, sql));
      }
      out.write(
          "}, \"metadata\": {\"dbt_schema_version\":"
              + " \"https://schemas.getdbt.com/dbt/manifest/v12.json\"}}");
    }
    assertThat(Files.size(manifest)).isGreaterThan(60_000_000);

    ForkedJvm.End end =
        ForkedJvm.run(
            folder.resolve("output"),
            List.of("-Xmx20m", "-XX:+UseSerialGC"),
            ManifestMemoryTest.class,
            List.of(manifest.toString()));

    assertThat(end.output())
        .isEqualTo("ModelTable[database=shop, schema=app, name=m3000, columns=[], condition=null]");
    assertThat(end.exit()).isZero();
  }
}
