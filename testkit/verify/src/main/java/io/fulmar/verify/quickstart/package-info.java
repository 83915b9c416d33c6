/**
 * What {@code mvn -q -Pquickstart verify} runs: the main job, on real data, before the reader's
 * eyes. Entry: {@link io.fulmar.verify.quickstart.Quickstart}.
 */
@NullMarked
package io.fulmar.verify.quickstart;

import org.jspecify.annotations.NullMarked;
