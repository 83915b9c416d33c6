/**
 * What Fulmar keeps in the planner and the audit schema: names, how tables come and go, what an
 * administrator runs, what is checked of it.
 */
@NullMarked
package io.fulmar.lightning.internal.schema;

import org.jspecify.annotations.NullMarked;
