/**
 * Reads what dbt says of its models in {@code target/manifest.json}; entry is {@link
 * io.fulmar.internal.dbt.Manifest}. The only other package that needs jackson-core, which is
 * optional, is that of JSON.
 */
@NullMarked
package io.fulmar.internal.dbt;

import org.jspecify.annotations.NullMarked;
