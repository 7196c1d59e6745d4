/** Short names for what the API sends of people and groups. */
import type { components } from "./schema";

type Schemas = components["schemas"];

export type GroupDetail = Schemas["GroupDetail"];
